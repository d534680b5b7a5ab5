"""Prune by commits that BuildKit's provenance says: what it keeps, what it reads for that, and what it cannot judge."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.references import Commit, Digest, RepositoryPath
from tests.support import attested
from tests.support.attested import provenance
from tests.support.command_line import Ran, bench
from tests.support.dated_registry import Registry
from tests.support.git_clone import GitClone

APP = RepositoryPath("shop/app")
OTHER = "f" * 40


class Scene:
    def __init__(self, registry: Registry, clone: GitClone) -> None:
        self.registry = registry
        self.clone = clone
        self.policy("branch-head-of: shop, by: provenance, tags: 'v*'")

    def policy(self, entry: str) -> None:
        self.registry.file(
            f"  - {{name: shop, repositories: [HOST/shop/*], keep: [{{{entry}}}, {{tags: [kept]}}]}}\n",
            clones=f"{{shop: {self.clone.path}}}",
        )

    def push(self, tag: str, *bodies: bytes, **more: Any) -> None:
        attested.push(self.registry.bench.registry.storage, APP, tag, *bodies, **more)

    def prune(self, *words: str) -> Ran:
        return self.registry.bench.run("prune", "--config", "holystone.yaml", *words)

    @property
    def tags(self) -> list[str]:
        return self.registry.tags(APP)

    def blobs_read(self) -> list[str]:
        requests = self.registry.bench.registry.requests
        found = [each.path for each in requests if "/blobs/" in each.path]
        requests.clear()
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with bench(tmp_path) as made:
        yield Scene(Registry(made), GitClone(tmp_path))


def at_head(scene: Scene) -> Commit:
    commit = scene.clone.commit()
    scene.clone.push("master")
    return commit


@pytest.mark.parametrize("version", ["v0.2", "v1"])
def test_an_image_of_the_commit_stays_and_others_go(scene: Scene, version: attested.Version) -> None:
    head = at_head(scene)
    scene.push("v1", provenance(version, revision=head))
    scene.push("v2", provenance(version, context={"sha1": head}))
    scene.push("v3", provenance(version, revision=OTHER))
    scene.push("v4", provenance(version, context={"sha1": OTHER}, fetched=[head]))
    scene.push("kept", provenance(version, revision=OTHER))
    ran = scene.prune()
    assert ran.code == 0, ran
    assert scene.tags == ["kept", "v1", "v2"]


def test_what_is_read_is_read_once_and_only_where_it_is_asked_for(scene: Scene) -> None:
    head = at_head(scene)
    body = provenance(revision=head)
    sbom = attested.statement({"SPDXID": "SPDXRef-DOCUMENT"}, "https://spdx.dev/Document")
    scene.push("v1", sbom, body)
    scene.push("kept", provenance(revision=OTHER))
    assert scene.prune("--dry-run").code == 0
    assert scene.blobs_read() == [f"/v2/{APP}/blobs/{Digest.of(body)}"]
    assert scene.prune("--dry-run").code == 0
    assert scene.blobs_read() == []
    scene.push("v2", provenance("v0.2", revision=head))
    scene.policy("branch-head-of: shop, by: label x, tags: 'w*'")
    scene.prune("--dry-run")
    assert scene.blobs_read() == []


def unreadable(scene: Scene, head: Commit) -> None:
    body = provenance(revision=OTHER, fetched=["1" * 40])
    scene.push("v1", body)
    fault = Fault("GET", f"/blobs/{Digest.of(body)}", Answer(403, b"<html>"), times=None)
    scene.registry.bench.registry.faults.add(fault)


def gone(scene: Scene, head: Commit) -> None:
    body = provenance(revision=OTHER, fetched=["2" * 40])
    scene.push("v1", body)
    scene.registry.bench.registry.storage.repositories[APP].blobs.discard(Digest.of(body))


def no_json(scene: Scene, head: Commit) -> None:
    scene.push("v1", b'{"_type":"x","predicateType":"https://slsa.dev/provenance/v1","predicate":7}')


def one_of_two(scene: Scene, head: Commit) -> None:
    scene.push(
        "v1",
        provenance(revision=OTHER),
        b'{"_type":"x","predicateType":"https://slsa.dev/provenance/v1","predicate":7}',
    )


def larger_than_it_may_be(scene: Scene, head: Commit) -> None:
    scene.push("v1", provenance(revision=OTHER, fetched=["3" * 40]), size=1 << 30)


def silent(scene: Scene, head: Commit) -> None:
    scene.push("v1", provenance(fetched=[head]))


def dirty(scene: Scene, head: Commit) -> None:
    scene.push("v1", provenance(revision=f"{head}-dirty"))


def without_any(scene: Scene, head: Commit) -> None:
    scene.registry.push(APP, {"v1": 5})


@pytest.mark.parametrize(
    ("push", "why"),
    [
        (unreadable, "its provenance cannot be read"),
        (gone, "its provenance cannot be read"),
        (no_json, "its provenance cannot be read"),
        (one_of_two, "its provenance cannot be read"),
        (larger_than_it_may_be, "its provenance cannot be read"),
        (silent, "commit"),
        (dirty, "commit"),
        (without_any, "commit"),
    ],
)
def test_what_it_does_not_say_is_not_judged_and_stays(scene: Scene, push: Any, why: str) -> None:
    head = at_head(scene)
    push(scene, head)
    scene.push("v2", provenance(revision=OTHER))
    scene.push("kept", provenance(revision=head))
    ran = scene.prune("--log-verbose")
    assert ran.code == 0, ran
    assert scene.tags == ["kept", "v1"]
    (line,) = (line for line in ran.out.splitlines() if line.startswith("  stay  v1 "))
    assert why in line


def test_what_says_that_it_is_larger_than_provenance_can_be_is_not_even_asked_for(scene: Scene) -> None:
    at_head(scene)
    larger_than_it_may_be(scene, scene.clone.head)
    scene.push("kept", provenance(revision=OTHER))
    assert scene.prune("--dry-run").code == 0
    assert scene.blobs_read() == []


def test_the_newest_of_a_branch_by_its_commits(scene: Scene) -> None:
    """`commits-of` with a limit, as the page shows it by label."""
    made = [scene.clone.commit(hours_ago=hours) for hours in (30, 20, 10)]
    scene.clone.push("master")
    for number, commit in enumerate(made):
        scene.push(f"v{number}", provenance(revision=commit), built=f"2026-01-0{number + 1}T00:00:00Z")
    for tag in ("v9", "kept"):
        scene.push(tag, provenance(revision=OTHER))
    scene.policy(
        "tags: 'v*', commits-of: shop, by: provenance, keep-policies: "
        "[{references: {branch: master}, imagesPerReference: {last: 2}}]"
    )
    ran = scene.prune()
    assert ran.code == 0, ran
    assert scene.tags == ["kept", "v1", "v2"]
