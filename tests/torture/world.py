"""Small projects in which every relation between manifests occurs, and what a registry holds of them. Its storage is
written and read as files: a trial costs no push, and looking disturbs nobody."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.published import PublishedProject
from holystone.demo.stages import Content
from holystone.engine.model.addresses import ImagesRepoMode
from tests.support.distribution_storage import write
from tests.support.registry_state import repositories_of, revisions
from tests.support.tiny_project import DAY, WERF_YAML

WORLDS: Final = 4
_REPOSITORIES: Final = "docker/registry/v2/repositories"


@dataclass(frozen=True, slots=True)
class State:
    """Of a registry: what a look at its disk shows."""

    tags: Mapping[tuple[str, str], str]
    manifests: frozenset[tuple[str, str]]

    def differs(self, other: "State") -> list[str]:
        """In words, from the other one as it should be."""
        found = [f"{r}:{t} is missing" for r, t in sorted(other.tags.keys() - self.tags.keys())]
        found += [f"{r}:{t} is there and should not" for r, t in sorted(self.tags.keys() - other.tags.keys())]
        both = sorted(self.tags.keys() & other.tags.keys())
        found += [f"{r}:{t} is on another digest" for r, t in both if self.tags[r, t] != other.tags[r, t]]
        found += [f"{r}@{d[:19]} is missing" for r, d in sorted(other.manifests - self.manifests)]
        return found + [f"{r}@{d[:19]} is there and should not" for r, d in sorted(self.manifests - other.manifests)]

    def lost(self, kept: "State") -> list[str]:
        """What was to stay and is not there, or not as it was."""
        return [each for each in self.differs(kept) if not each.endswith("should not")]


@dataclass(frozen=True, slots=True)
class World:
    project: PublishedProject
    storage: Path
    """To be copied for a trial."""
    before: State

    @property
    def repositories(self) -> frozenset[str]:
        return frozenset(map(str, repositories_of(self.project)))


def build(folder: Path, number: int, now: int) -> World:
    """Worlds of even numbers are multirepo, of odd ones monorepo; those above 1 have a record's digest each."""
    mode: ImagesRepoMode = ("multirepo", "monorepo")[number % 2]
    clone, storage = folder / "clone", folder / "storage"
    composer = Composer(
        "shop",
        clone,
        host="registry.example",
        now=now,
        mode=mode,
        images_repo="shop/app",
        stages_storage="shop/stages",
        twin_records=number < 2,
    )
    _tell(GitStory(clone), composer, number)
    (clone / "werf.yaml").write_text(WERF_YAML)
    write(storage, composer.pushes)
    project = composer.described()
    return World(project, storage, look(storage, map(str, repositories_of(project))))


def _tell(story: GitStory, composer: Composer, number: int) -> None:
    now = composer.now

    def publish(branch: str, version: int, days: float) -> None:
        at = now - int(days * DAY)
        commit = story.commit(branch, f"Change {version}, {days}", at=at, files={"werf.yaml": WERF_YAML})
        content = Content(base=1, dependencies=1 + version // (2 + number % 2), code=version)
        composer.publish("backend", commit, content, at=at + 600)
        composer.publish("front", commit, content, at=at + 600, artifact=("assets", 1 + version // 2))

    for version in range(3):
        publish("master", version, 100 - version)
        if version == 0:
            story.tag("v1", story.head("master"))
    publish("master", 2, 90)  # nothing changed: a record, and no image
    story.branch("feature", start="master")
    publish("feature", 1000, 60)
    story.delete_branch("feature")
    composer.manage("backend", "front")
    project = composer.described()
    backend, front = project.tags_of("backend"), project.tags_of("front")
    for tag, legacy in ((backend[0], True), (backend[1], False), (front[-1], True), (front[-2], False)):
        composer.sign(tag, legacy=legacy)
    composer.alias(backend[1], "second-name")
    composer.reject(backend[2].stages[-1])
    where = str(backend[0].repository)
    composer.foreign(where, "not-ours", at=now - 50 * DAY)
    composer.multi_platform(where, "also-not-ours", at=now - 50 * DAY)
    composer.multi_platform(where, "nested", at=now - 50 * DAY, nested=True)


def look(storage: Path, repositories: Iterable[str]) -> State:
    tags: dict[tuple[str, str], str] = {}
    manifests: set[tuple[str, str]] = set()
    for repository in repositories:
        for link in (storage / _REPOSITORIES / repository / "_manifests/tags").glob("*/current/link"):
            tags[repository, link.parts[-3]] = link.read_text()
        manifests |= {(repository, str(digest)) for digest in revisions(storage, repository)}
    return State(tags, frozenset(manifests))


def untag(storage: Path, repository: str, tag: str) -> None:
    shutil.rmtree(storage / _REPOSITORIES / repository / "_manifests/tags" / tag)


class KeptSet:
    """What must be there at every moment. Asked after each change, so it costs a few looks at single files."""

    def __init__(self, storage: Path, kept: State) -> None:
        root = storage / _REPOSITORIES
        self._tags = [(root / r / "_manifests/tags" / t / "current/link", d) for (r, t), d in kept.tags.items()]
        self._manifests = [root / r / "_manifests/revisions" / d.replace(":", "/") / "link" for r, d in kept.manifests]

    def gone(self) -> list[str]:
        found = [str(link) for link, digest in self._tags if not link.exists() or link.read_text() != digest]
        return found + [str(link) for link in self._manifests if not link.exists()]


def restore(storage: Path, world: World) -> None:
    """The registry goes on running: it keeps nothing in mind."""
    for each in storage.iterdir():
        shutil.rmtree(each)
    shutil.copytree(world.storage, storage, dirs_exist_ok=True)
