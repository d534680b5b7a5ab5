"""What a registry, or a proxy before it, could do by lying without ever contradicting itself: docs/threats.md lists it.
Each shows what is lost at most, and that `undo` brings it back as soon as the lies end."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from holystone.demo.published import PublishedTag
from tests.support.programs import require
from tests.torture.bench import bench
from tests.torture.faults import Fault
from tests.torture.messages import Reply, Request, as_head, reply
from tests.torture.proxy import Decide, Tell, as_it_is, no_fault
from tests.torture.schedules import Schedule
from tests.torture.trial import Bench, Reference, Trial
from tests.torture.world import State, World, build

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

WORLD = 3


class Lied:
    """A cleanup of the world, lied to, beside one that was told the truth."""

    def __init__(self, opened: Bench, reference: Reference) -> None:
        self._bench = opened
        self._reference = reference
        self.world: World = opened.worlds[WORLD]
        quiet = Schedule(0, 0, "faults", "docker-registry", WORLD, False, False, False, disturbed=0)
        self._trial = Trial(opened, quiet, None)

    @property
    def storage(self) -> str:
        return str(self.world.project.stages_storage)

    @property
    def image(self) -> PublishedTag:
        """The newest that stays."""
        return [tag for tag in self.world.project.tags_of("front") if self.stays(tag.repository, tag.tag)][-1]

    @property
    def records(self) -> set[str]:
        """By which it stays: tags."""
        return {each.tag for each in self.world.project.metadata if each.signature == self.image.signature}

    @property
    def below(self) -> set[tuple[str, str]]:
        """What is there for the image's sake."""
        return {(self.storage, tag) for tag in (*self.image.stages, *self.image.imported, *self.records)}

    @property
    def doomed_manifests(self) -> set[tuple[str, str]]:
        return set(self.world.before.manifests - self._reference.after.manifests)

    def stays(self, repository: str, tag: str) -> bool:
        return (str(repository), str(tag)) in self._reference.after.tags

    @property
    def state(self) -> State:
        return self._trial.state()

    async def cleanup(self, tell: Tell, decide: Decide = no_fault) -> int:
        self._bench.proxy.tell = tell
        try:
            return (await self._trial.command("cleanup", decide)).code
        finally:
            self._bench.proxy.tell = as_it_is

    def lost(self) -> set[tuple[str, str]]:
        """Tags."""
        return self._reference.after.tags.keys() - self.state.tags.keys()

    async def undone(self) -> list[str]:
        """What is not as before."""
        assert (await self._trial.command("undo")).code == 0
        return self.state.differs(self.world.before)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Bench, Reference]]:
    require("docker-registry")
    folder: Path = tmp_path_factory.mktemp("lies")
    async with bench(folder, {WORLD: build(folder / "world", WORLD, int(time.time()))}, None) as there:
        yield there, await there.reference(WORLD)


@pytest.fixture
def lied(opened: tuple[Bench, Reference]) -> Lied:
    return Lied(*opened)


async def test_an_image_that_no_listing_names_loses_its_record_and_stages(lied: Lied) -> None:
    """It stays itself, as nothing deletes what it does not know."""

    def without(request: Request, answer: Reply) -> Reply:
        if request.reference == lied.image.tag:
            return as_head(reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}'), request.method)
        if request.about == "list" and request.repository == lied.image.repository:
            said = json.loads(answer.body)
            said["tags"].remove(lied.image.tag)
            return answer.holding(json.dumps(said).encode())
        return answer

    assert await lied.cleanup(without) == 0
    assert lied.lost()
    assert lied.lost() <= lied.below
    assert await lied.undone() == []


async def test_a_record_that_always_shows_another_content_loses_its_image(lied: Lied) -> None:
    """With its signature and its stages. Records of one content are one manifest: it does not say whose it is."""
    another = next(each for each in lied.world.project.metadata if each.signature != lied.image.signature)

    def other(request: Request, answer: Reply) -> Reply:
        if request.reference in lied.records and request.method == "HEAD":
            return answer.saying(Docker_Content_Digest=another.digest, Etag="")
        return answer

    assert await lied.cleanup(other) == 0
    assert lied.lost()
    signature = f"sha256-{lied.image.digest.hex}"
    assert lied.lost() <= {*((lied.image.repository, tag) for tag in (lied.image.tag, signature)), *lied.below}
    told = [f"{lied.storage}:{tag} is on another digest" for tag in lied.records]
    assert set(await lied.undone()) <= set(told), "as it was told, and no better"


async def test_a_deletion_that_is_played_is_told_as_one_and_loses_nothing(lied: Lied) -> None:
    repository, doomed = min(lied.doomed_manifests)
    tags = {tag for (where, tag), digest in lied.world.before.tags.items() if (where, digest) == (repository, doomed)}
    begun = False

    def played(request: Request) -> Fault | None:
        nonlocal begun
        begun = begun or (request.reference == doomed and request.method == "DELETE")
        if begun and request.reference in {doomed, *tags}:
            return Fault("no-effect" if request.method == "DELETE" else "false-404")
        return None

    def without(request: Request, answer: Reply) -> Reply:
        if begun and request.about == "list" and request.repository == repository:
            said = json.loads(answer.body)
            said["tags"] = [tag for tag in said["tags"] if tag not in tags]
            return answer.holding(json.dumps(said).encode())
        return answer

    assert await lied.cleanup(without, played) == 0
    assert begun
    assert (repository, doomed) in lied.state.manifests
    assert not lied.lost()
