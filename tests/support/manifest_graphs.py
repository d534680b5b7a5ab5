"""Small repositories for tests: built by hand, or random ones that no honest client would push."""

from collections.abc import Iterable, Mapping

from hypothesis import strategies as st

from holystone.engine.model.capabilities import Capabilities, Cascade, DigestDeletion, LastTag, TagDeletion
from holystone.engine.model.delete_reasons import BeyondLimit
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import OCI_INDEX, OCI_MANIFEST, Manifest
from holystone.engine.model.reasons import ReachedFromBranch
from holystone.engine.model.references import Commit, Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdict
from holystone.engine.planner.facts import TagFacts

REPOSITORY = Repository(RegistryHost.parse("registry.example"), RepositoryPath.parse("team/app"))
KEEP = Keep((ReachedFromBranch("main", Commit.parse("a" * 40), 1),))
DELETE = Delete((BeyondLimit("main"),))
NOW = 1_000_000
GRACE = 1_000


def d(number: int) -> Digest:
    return Digest.parse(f"sha256:{number:064x}")


def fallback(number: int, suffix: str = "") -> Tag:
    return Tag.parse(f"sha256-{d(number).hex}{suffix}")


def image(number: int, *, subject: int | None = None, size: int = 10) -> Manifest:
    return Manifest(d(number), OCI_MANIFEST, size, subject=None if subject is None else d(subject), layers_size=5)


def index(number: int, *children: int, subject: int | None = None) -> Manifest:
    return Manifest(
        d(number),
        OCI_INDEX,
        10,
        children=tuple(d(child) for child in children),
        subject=None if subject is None else d(subject),
    )


def repository(
    manifests: Iterable[Manifest], tags: Mapping[str, int], broken: Mapping[str, str] | None = None
) -> RepositorySnapshot:
    return RepositorySnapshot(
        repository=REPOSITORY,
        tags={Tag.parse(tag): d(number) for tag, number in tags.items()},
        broken={Tag.parse(tag): what for tag, what in (broken or {}).items()},
        manifests={manifest.digest: manifest for manifest in manifests},
        configs={},
    )


def doom(*tags: str) -> dict[Tag, Verdict]:
    return {Tag.parse(tag): DELETE for tag in tags}


@st.composite
def snapshots(draw: st.DrawFn) -> RepositorySnapshot:
    count = draw(st.integers(1, 8))
    any_manifest = st.integers(0, count + 1)  # the last two are in no snapshot
    manifests = []
    for number in range(count):
        subject = draw(st.none() | any_manifest)
        children = draw(st.lists(any_manifest, max_size=3))
        manifests.append(index(number, *children, subject=subject) if children else image(number, subject=subject))
    there = st.integers(0, count - 1)
    tags: dict[str, int] = draw(st.dictionaries(st.sampled_from([f"t{n}" for n in range(8)]), there, min_size=1))
    for number, suffix in draw(st.lists(st.tuples(any_manifest, st.sampled_from(["", ".sig", ".att"])), max_size=4)):
        tags[fallback(number, suffix)] = draw(there)
    if draw(st.integers(0, 9)) == 0:
        tags["unread"] = count + 1
    broken = draw(st.dictionaries(st.sampled_from(["t0", "lost", "t1"]), st.just("gone"), max_size=1))
    return repository(manifests, tags, broken)


def verdicts_for(snapshot: RepositorySnapshot) -> st.SearchStrategy[dict[Tag, Verdict]]:
    tags = sorted(snapshot.names)
    return st.dictionaries(st.sampled_from(tags), st.sampled_from([DELETE, DELETE, KEEP]))


@st.composite
def repositories(draw: st.DrawFn) -> tuple[RepositorySnapshot, dict[Tag, Verdict]]:
    snapshot = draw(snapshots())
    return snapshot, draw(verdicts_for(snapshot))


def capabilities() -> st.SearchStrategy[Capabilities]:
    flag = st.booleans()
    fates = st.sampled_from(["stays", "goes-unlisted", "goes-unanchored", "may-go"])
    last_tag = st.none() | st.builds(LastTag, manifest=fates, takes_attached=flag)
    digests = st.builds(DigestDeletion, tags_first=flag, tombstones=last_tag, cost_grows=flag)
    return st.builds(
        Capabilities,
        implementation=st.just("toy"),
        forbidden=st.sampled_from(["", "it is read-only"]),
        tags=st.none() | st.builds(TagDeletion, last_tag=last_tag),
        digests=st.none() | digests,
        cascade=st.builds(Cascade, referrers=flag, children=flag),
        protects_children=flag,
    )


def facts_for(snapshot: RepositorySnapshot) -> st.SearchStrategy[TagFacts]:
    tags = st.sampled_from(sorted(snapshot.tags))
    return st.builds(
        TagFacts,
        written_once=st.frozensets(tags),
        created=st.dictionaries(tags, st.integers(NOW - 2 * GRACE, NOW + 10)),
        as_of=st.just(NOW),
        grace=st.sampled_from([0, GRACE]),
        marks=st.dictionaries(tags, st.sampled_from(sorted(snapshot.names)), max_size=2).map(_plain_marks),
    )


def _plain_marks(marks: dict[Tag, Tag]) -> dict[Tag, Tag]:
    """Not marks of marks, and no signatures, whose fate is their subject's."""
    return {
        mark: marked
        for mark, marked in marks.items()
        if marked not in marks and not mark.startswith(("sha256-", "sha512-"))
    }
