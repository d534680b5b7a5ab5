"""write-registries.py FILE: what every adapter declares about its registry, as Markdown."""

import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from holystone.adapters.registries.implementations import VENDORS
from holystone.adapters.registries.profile import Profile
from holystone.adapters.registries.vendor import Vendor
from holystone.engine.model.capabilities import Fate
from holystone.engine.model.outlook import DAY, UndoOutlook

INTRODUCTION = """\
# The nine registries

Made by `make registries` from what the adapters declare (`PROFILE` in `adapters/holystone/adapters/registries/NAME/`);
a test compares. What is declared is what the planner acts on; `probe` narrows it for a repository and a credential
before anything is planned.

- **Siblings**: what becomes of a kept tag when a doomed tag on the same manifest is deleted. Where the answer is not
  "stay", Holystone overwrites the doomed tag with a tombstone and deletes that, or keeps the doomed tag and says why.
- **Batch**: how many tags or manifests one deletion takes.
- **Hosts**: `--repo-implementation` comes first, then the host's name. A host whose name tells nothing is asked once a
  run, by one `GET /v2/` without a credential, and shows by its headers and its challenge whether it is a GitLab, a
  Harbor or a Quay. No answer within ten seconds, an unclear one, or another registry's: `default`. A registry that
  only says so itself gets what `docker login` stored for its host and not the login of a vendor's options; for that,
  name it. So does one of which only a plan file or the journal says what it is: `apply`, `resume` and `undo` send such
  a login to the vendor's own hosts, and to hosts that the same command names in `--images-repo` or `--stages-storage`,
  with what they are unless the name tells.
- **Undo**: `native` where the registry restores by itself; `push` where the journaled manifest is pushed again, which
  needs the right to push and works until garbage collection has taken the blobs, with the time where the registry
  promises one. What holds for a repository and a credential is in every plan before anything is deleted.
"""
FACTS = (
    ("Hosts", "hosts"),
    ("Repositories", "catalog"),
    ("Listing", "listing"),
    ("The listing shows", "shows"),
    ("Deletion", "deletion"),
    ("Credentials", "credentials"),
    ("Restore", "restore"),
    ("Limits", "limits"),
    ("Rules that forbid a deletion", "rules"),
)
ALONE: Mapping[Fate, str] = {
    "may-go": "yes, but not the last",
    "goes-unanchored": "yes, but the last only of what was pushed by its digest",
    "goes-unlisted": "yes, but the last only of an index's part",
    "stays": "yes",
}
"""One tag alone: whether it can be deleted."""


def document(vendors: Collection[Vendor]) -> Iterator[str]:
    yield INTRODUCTION
    yield "| implementation | page | batch | one tag alone | siblings | untagged manifests | seeded pace | undo |"
    yield "|---|---|---|---|---|---|---|---|"
    for vendor in vendors:
        yield f"| [`{vendor.name}`](#{vendor.name}) | {' | '.join(row(vendor.profile))} |"
    for vendor in vendors:
        yield f"\n## {vendor.name}\n\n{vendor.title}.\n"
        for label, field in FACTS:
            yield f"- **{label}**: {getattr(vendor.profile, field)}."


def row(profile: Profile) -> Iterator[str]:
    can = profile.can
    yield f"{can.listing.page:,}" if can.listing.page else "one reply"
    yield str(can.bulk)
    if can.implementation == "default":
        yield "if the server can (`probe`)"
    else:
        yield ALONE[can.tags.last_tag.manifest] if can.tags and can.tags.last_tag else "no"
    yield "stay" if can.tags and can.tags.last_tag else "doomed tag overwritten, or kept"
    yield "deleted by digest" if can.digests else "left to the registry"
    yield f"{can.quota.rate:g}/s" if can.quota else "adaptive"
    yield undo(can.undo)


def undo(outlook: UndoOutlook) -> str:
    way = {"restore": "native", "push": "push", "none": "none"}[outlook.way]
    return way if outlook.seconds is None else f"{way}, {outlook.seconds // DAY} d"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("\n".join(document(VENDORS.values())) + "\n")
