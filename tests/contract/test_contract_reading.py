"""What every adapter promises about reading."""

import pytest

from holystone.engine.errors import HolystoneError, IncompleteSource
from holystone.engine.model.inventory import Pulls
from holystone.engine.model.references import Digest, Repository, RepositoryPath, Tag
from holystone.engine.ports import Wanted
from tests.contract.stands import Stand
from tests.support import images

ABSENT = Digest("sha256:" + "0" * 64)


@pytest.mark.parametrize("over", [-1, 0, 1])
async def test_a_listing_is_complete_at_page_boundaries(served: Stand, over: int) -> None:
    if not served.pages:
        pytest.skip("it does not page")
    count = (served.profile.can.listing.page or 100) + over
    pushed = await served.many_images({f"v{number}": f"{number}" for number in range(count)})
    expected = {Tag(tag): raw.digest for tag, raw in pushed.items()}
    listing = await served.session.list_tags()
    assert listing.exists
    assert listing.tags.keys() == expected.keys()
    assert all(digest in (None, expected[tag]) for tag, digest in listing.tags.items())


async def test_a_listing_of_many_pages_has_every_tag_once(served: Stand) -> None:
    if not served.pages:
        pytest.skip("it does not page")
    tags = [f"v{number}" for number in range(2 * min(served.profile.can.listing.page or 100, 150) + 7)]
    raw = await served.image("one", *tags[:9])
    await served.many_images({tag: f"{number // 2}" for number, tag in enumerate(tags[9:])})
    listing = await served.session.list_tags()
    assert sorted(listing.tags) == sorted(tags)
    assert {listing.tags[Tag(tag)] for tag in tags[:9]} in ({raw.digest}, {None})


async def test_a_repository_that_is_not_there_is_never_an_empty_one(served: Stand) -> None:
    if served.absent_is_empty:
        pytest.skip("it lists what nobody pushed to as empty, so that a project without any image is refused instead")
    await served.image("one", "v1")
    account = served.path.partition("/")[0]
    other = Repository(served.host, RepositoryPath(f"{account}/nobody-pushed-this"))
    try:
        session = await served.connections.session(other, served.identity.implementation)
        listing = await session.list_tags()
    except IncompleteSource:
        return
    assert not listing.exists
    assert not listing.tags


async def test_times_of_tags_are_never_too_early_and_times_of_manifests_are_not_those_of_tags(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("its clock is not ours to set")
    old, new = await served.image("old", "promoted", "first"), await served.image("new", "v2")
    state = served.emulator.storage.repositories[served.path]
    tagged = {"first": 1_700_000_100, "v2": 1_700_000_200, "promoted": 1_700_000_300}
    state.pushed |= {old.digest: 1_700_000_000.0, new.digest: 1_700_000_200.0}
    state.tagged |= tagged
    listing = await served.session.list_tags()
    assert all(listing.put[tag] >= tagged[tag] for tag in listing.put), "what is young would look old"
    assert listing.put.get(Tag("promoted"), 1_700_000_300) == 1_700_000_300
    assert listing.put.get(Tag("v2"), 1_700_000_200) == 1_700_000_200
    assert listing.pushed.items() <= {old.digest: 1_700_000_000, new.digest: 1_700_000_200}.items()
    assert listing.put.keys() in (set(), tagged.keys())


async def test_pulls_are_told_where_they_are_wanted_and_by_whoever_says_that_it_tells_them(served: Stand) -> None:
    raw = await served.image("one", "v1")
    index = await served.index((raw,), "multi")
    usual = await served.session.list_tags()
    assert usual.pulls is None
    told = await served.session.list_tags(Wanted(pulls=True))
    assert (told.pulls is not None) is served.profile.can.listing.pulls
    assert told.tags == usual.tags == {"v1": usual.tags[Tag("v1")], "multi": usual.tags[Tag("multi")]}
    assert told.put == usual.put
    assert told.pushed == usual.pushed
    assert told.archived == usual.archived == frozenset()
    pulls = told.pulls or Pulls()
    assert pulls.tags.keys() <= {"v1", "multi"}
    assert pulls.manifests.keys() <= {raw.digest, index.digest}


async def test_manifests_without_a_tag_are_told_where_they_are_wanted_and_by_whoever_says_so(served: Stand) -> None:
    tagged, child = await served.image("one", "v1"), await served.image("child")
    index = await served.index((child,), "multi")
    if served.emulator is None and served.profile.can.listing.loose:
        pytest.skip("shown on its emulator")
    loose = await served.image("loose") if served.emulator else None
    assert (await served.session.list_tags()).loose is None
    told = await served.session.list_tags(Wanted(loose=True))
    assert (told.loose is not None) is served.profile.can.listing.loose
    found = set(told.loose or ())
    assert not found & {tagged.digest, index.digest}
    if told.loose is not None and loose:
        assert found - {child.digest} == {loose.digest}
        assert loose.digest in told.pushed
    assert told.tags.keys() == {"v1", "multi"}


async def test_what_a_tag_points_to(served: Stand) -> None:
    raw = await served.image("one", "v1")
    assert await served.session.resolve(Tag("v1")) == raw.digest
    assert await served.session.resolve(raw.digest) == raw.digest
    assert await served.session.resolve(Tag("v2")) is None
    assert await served.session.resolve(ABSENT) is None


async def test_manifests_and_configurations_come_back_as_they_were_pushed(served: Stand) -> None:
    first, second = await served.image("one", "v1"), await served.image("two", "v2")
    wanted = [first.digest, second.digest, ABSENT]
    found: dict[Digest, bytes] = {}
    for start in range(0, len(wanted), served.session.manifests_at_once):
        batch = wanted[start : start + served.session.manifests_at_once]
        read = await served.session.read_manifests(batch)
        found |= {digest: raw.body for digest, raw in read.items()}
    assert found == {first.digest: first.body, second.digest: second.body}
    config = images.config("one")
    assert await served.session.read_blob(Digest.of(config)) == config
    assert await served.session.read_blob(ABSENT) is None


async def test_probing_changes_nothing(served: Stand) -> None:
    raw = await served.image("one", "v1")
    before = await served.state(raw.digest)
    can = await served.session.probe()
    assert not can.forbidden, can.forbidden
    assert can.tags or can.digests
    assert await served.state(raw.digest) == before


async def test_throttling_is_waited_out(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("it throttles nobody")
    await served.image("one", "v1")
    await served.session.list_tags()
    served.emulator.throttle(2)
    assert (await served.session.list_tags()).tags.keys() == {"v1"}
    assert served.emulator.throttled == 0


async def test_tokens_that_end_in_the_middle_are_renewed(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("its tokens cannot be ended")
    raw = await served.image("one", "v1")
    await served.session.list_tags()
    served.emulator.expire_tokens()
    assert (await served.session.list_tags()).tags.keys() == {"v1"}
    served.emulator.expire_tokens()
    assert await served.session.read_manifests([raw.digest]) == {raw.digest: raw}


async def test_a_registry_that_is_gone_is_no_empty_one(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("shown by the default adapter's own tests")
    await served.image("one", "v1")
    await served.emulator.__aexit__(None, None, None)
    with pytest.raises(HolystoneError) as raised:
        await served.session.list_tags()
    assert str(served.host) in str(raised.value) or "127.0.0.1" in str(raised.value)
