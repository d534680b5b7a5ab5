"""Nothing that a kept tag needs is deleted, on whatever registry, and what nobody needs is."""

import json

import pytest

from holystone.demo.published import PublishedProject
from holystone.embedded.quirks import Quirks
from holystone.embedded.storage import Storage
from tests.promises.conftest import Open
from tests.support.command_line import now
from tests.support.tiny_project import kept_tags, tiny_project


def reach(storage: Storage, repository: str, digest: str) -> set[str]:
    """Manifests and blobs below a manifest, as a client that pulls it would ask for them."""
    body = json.loads(storage.repositories[repository].manifests[digest].body)
    found = {digest, *(layer["digest"] for layer in body.get("layers", ()))}
    found |= {body["config"]["digest"]} if "config" in body else set()
    for child in body.get("manifests", ()):
        found |= reach(storage, repository, child["digest"])
    return found


def needed(project: PublishedProject, storage: Storage) -> dict[tuple[str, str], set[str]]:
    """(Repository, tag) that must survive → everything below it."""
    kept = kept_tags(project)
    roots = {(str(tag.repository), str(tag.tag)) for tag in kept}
    roots |= {(str(project.stages_storage), str(stage)) for tag in kept for stage in (*tag.stages, *tag.imported)}
    digests = {tag.digest for tag in kept}
    roots |= {
        (str(extra.repository), str(extra.tag))
        for extra in project.extras
        if (extra.subject is None or extra.subject in digests) and str(extra.tag) != "second-name"
    }
    return {root: reach(storage, root[0], storage.repositories[root[0]].tags[root[1]]) for root in roots}


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_what_a_kept_tag_needs_survives(open_bench: Open, quirks: Quirks, twice: bool) -> None:
    shop = open_bench(quirks=quirks)
    storage = shop.registry.storage
    project = tiny_project(shop.project, storage, now=now(), rich=True)
    before = needed(project, storage)
    referrers = {
        (str(repository), str(referrer))
        for repository, referrer, subject in project.referrers
        if subject in {tag.digest for tag in kept_tags(project)}
    }
    assert referrers
    tags = {key: storage.repositories[key[0]].tags[key[1]] for key in before}
    for _ in range(1 + twice):
        ran = shop.cleanup()
        assert ran.code == 0, ran
    for (repository, tag), below in before.items():
        state = storage.repositories[repository]
        assert state.tags.get(tag) == tags[repository, tag]
        assert below <= {*state.manifests, *state.blobs}
    for repository, referrer in referrers:
        assert referrer in storage.repositories[repository].manifests
    doomed = [tag for tag in project.tags if tag not in kept_tags(project)]
    assert len(doomed) == 5, "the second name included"
    for gone in doomed:
        assert gone.tag not in storage.repositories[gone.repository].tags
        assert gone.digest not in storage.repositories[gone.repository].manifests
        assert gone.stages[-1] not in storage.repositories[project.stages_storage].tags
    signed = {subject for _, _, subject in project.referrers} & {tag.digest for tag in doomed}
    assert signed
    for digest in signed:  # signatures go with what they sign
        assert not [
            tag for tag in storage.repositories["shop/app/backend"].tags if tag.startswith(f"sha256-{digest[7:]}")
        ]


def test_records_that_share_a_digest_are_told_apart(open_bench: Open, quirks: Quirks) -> None:
    shop = open_bench(quirks=quirks)
    project = tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
    stages = shop.registry.storage.repositories["shop/stages"]
    assert len({record.digest for record in project.metadata}) < len(project.metadata)
    assert shop.cleanup().code == 0
    commits = {tag.commits[-1] for tag in kept_tags(project)}
    for record in project.metadata:
        assert (record.tag in stages.tags) == (record.commit in commits)
    assert all(tag in stages.tags and stages.tags[tag] in stages.manifests for tag in project.managed)
