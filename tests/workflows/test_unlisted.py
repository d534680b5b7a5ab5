"""Names that a list of tags does not have: asked for as they are written, and what an answer means."""

from collections.abc import Iterable

import pytest

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.names import parse_used_image
from holystone.engine.ports import TAGS, Listing, RepositorySession, Wanted
from holystone.workflows.unlisted import folding, look_up
from tests.support.image_values import IMAGES_REPO, digest_of, image_tag

BY = ListEntry("in-use.txt:1")
SNAPSHOT = RepositorySnapshot(IMAGES_REPO, {}, {}, {}, {})


class Answering:
    """A registry of one repository that answers to `there` and lists `listed`, which may change."""

    def __init__(self, there: dict[str, str], *, folds: bool = False) -> None:
        self.there = there
        self.listed: Iterable[str] = there
        self.folds = folds
        self.asked: list[str] = []

    async def resolve(self, reference: Tag | Digest) -> Digest | None:
        self.asked.append(str(reference))
        name = self.there.get(reference.lower() if self.folds else reference)
        return digest_of(name) if name else None

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        return Listing({Tag(tag): None for tag in self.listed})


async def found(registry: Answering, *used: str, listed: dict[str, str]) -> set[Digest | None]:
    async def session_of(at: Repository) -> RepositorySession:
        assert at == IMAGES_REPO
        return registry  # type: ignore[return-value]

    images = [parse_used_image(text, BY) for text in used]
    there = {IMAGES_REPO: {Tag(tag): digest_of(name) for tag, name in listed.items()}}
    return {each.digest for each in await look_up(images, there, session_of)}


async def test_a_name_that_is_not_there_is_asked_for_once() -> None:
    registry = Answering({})
    assert await found(registry, f"{IMAGES_REPO}:gone", f"{IMAGES_REPO}:gone", "other.example/a:b", listed={}) == set()
    assert registry.asked == ["gone"]


async def test_what_is_listed_or_pulled_by_digest_is_not_asked_for() -> None:
    registry = Answering({"v1": "a"})
    pinned = f"{IMAGES_REPO}:v2@{digest_of('b')}"
    assert await found(registry, f"{IMAGES_REPO}:v1", pinned, digest_of("c"), listed={"v1": "a"}) == set()
    assert registry.asked == []


async def test_a_name_that_the_server_folds_means_its_digest() -> None:
    registry = Answering({"gone-1": "a"}, folds=True)
    assert await found(registry, f"{IMAGES_REPO}:GONE-1", listed={"gone-1": "a"}) == {digest_of("a")}
    assert registry.asked == ["GONE-1"]


async def test_a_folded_name_that_moved_since_it_was_listed_is_the_new_one() -> None:
    registry = Answering({"gone-1": "b"}, folds=True)
    assert await found(registry, f"{IMAGES_REPO}:GONE-1", listed={"gone-1": "a"}) == {digest_of("b")}


async def test_a_name_that_was_pushed_since_the_list_was_read_counts() -> None:
    assert await found(Answering({"new": "a"}), f"{IMAGES_REPO}:new", listed={}) == {digest_of("a")}


@pytest.mark.parametrize("listed", [{}, {"v1": "a"}, {"HIDDEN": "a"}])
async def test_a_name_that_answers_and_is_not_listed_shows_a_list_cut_short(listed: dict[str, str]) -> None:
    registry = Answering({"hidden": "b", "v1": "a", "HIDDEN": "a"})
    registry.listed = listed
    with pytest.raises(IncompleteSource, match=f"list of tags of {IMAGES_REPO} is not complete: hidden is in use"):
        await found(registry, f"{IMAGES_REPO}:hidden", listed=listed)


async def folds(registry: Answering, *doubtful: str, names: Iterable[str]) -> bool:
    async def session_of(at: Repository) -> RepositorySession:
        assert at == IMAGES_REPO
        return registry  # type: ignore[return-value]

    snapshot = RepositorySnapshot(IMAGES_REPO, {}, {Tag(name): "" for name in names}, {}, {})
    tags = [image_tag(tag) for tag in doubtful]
    return bool(await folding(tags, {IMAGES_REPO: snapshot}, session_of))


async def test_a_server_folds_if_a_doomed_name_in_capitals_is_the_same() -> None:
    registry = Answering({"a-b": "a-b", "c": "c"}, folds=True)
    assert await folds(registry, "a-b", "c", names=["a-b", "c"])
    assert registry.asked == ["A-B"]


async def test_a_server_that_answers_otherwise_does_not_fold() -> None:
    assert not await folds(Answering({"a-b": "a-b"}), "a-b", names=["a-b"])
    assert not await folds(Answering({"a-b": "a-b", "A-B": "another"}), "a-b", names=["a-b"])


async def test_where_a_capital_letter_is_listed_or_nothing_hangs_on_it_nobody_is_asked() -> None:
    registry = Answering({"a-b": "a-b"}, folds=True)
    assert not await folds(registry, "a-b", names=["a-b", "V1"])
    assert not await folds(registry, names=["a-b"])
    assert registry.asked == []
