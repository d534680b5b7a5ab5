"""Azure: what is listed, and what is absent or forbidden."""

from math import ceil
from pathlib import Path

import pytest

from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.faults import Action, Answer, Fault, Truncate
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.model.outcomes import Forbidden
from holystone.engine.model.references import Tag
from holystone.engine.ports import Wanted
from tests.emulators.acr import ALL_ACTIONS, AcrEmulator, Attributes, Principal
from tests.registries.acr.connected import ABSENT, PATH, Clock, Connected, connected, push, put
from tests.support import images


@pytest.mark.parametrize("count", [1, 99, 100, 101, 200, 201])
async def test_listing_is_complete_at_page_boundaries(acr: Connected, count: int) -> None:
    raw = acr.image("one", *(f"v{number}" for number in range(count)))
    listing = await acr.session.list_tags()
    assert listing.tags == {Tag(f"v{number}"): raw.digest for number in range(count)}
    more = count == 100  # a full page, and no link anywhere: is that all?
    assert acr.asked("/_tags") == ceil(count / 100) + more


async def test_what_the_listing_says(tmp_path: Path) -> None:
    clock = Clock()
    async with AcrEmulator(clock=clock) as emulator, connected(emulator, tmp_path) as acr:
        shared = acr.image("shared", "v1")
        clock.now += 100
        put(emulator, shared, "v2")
        child = acr.image("child")
        index = put(emulator, images.index(child), "multi")
        acr.image("nobody's")
        free, frozen = acr.image("free", "free"), acr.image("frozen", "frozen", "guarded")
        emulator.tag_attributes[PATH, "frozen"] = Attributes(write_enabled=False)
        emulator.tag_attributes[PATH, "guarded"] = Attributes(delete_enabled=False, write_enabled=False)
        listing = await acr.session.list_tags()
    assert listing.exists
    assert listing.tags == {
        "v1": shared.digest,
        "v2": shared.digest,
        "multi": index.digest,
        "free": free.digest,
        "frozen": frozen.digest,
        "guarded": frozen.digest,
    }
    assert listing.locked == {
        "frozen": "locked in Azure: writeEnabled is false",
        "guarded": "locked in Azure: deleteEnabled and writeEnabled are false",
    }
    assert (listing.put[Tag("v1")], listing.put[Tag("v2")]) == (1_790_000_000, 1_790_000_100)
    assert listing.pushed == {}
    assert listing.loose is None
    assert listing.untagged == ()
    assert listing.manifests == {}


async def test_manifests_without_a_tag_take_another_list_and_are_told_where_they_are_wanted(tmp_path: Path) -> None:
    clock = Clock()
    async with AcrEmulator(clock=clock) as emulator, connected(emulator, tmp_path) as acr:
        tagged = acr.image("tagged", "v1")
        child, nobodys, locked = acr.image("child"), acr.image("nobody's"), acr.image("locked")
        put(emulator, images.index(child), "multi")
        signature = acr.image("signature", subject=tagged)
        hidden = acr.image("hidden", "hidden")
        emulator.hide(PATH, "hidden")
        emulator.lock_manifest(PATH, locked.digest)
        usual = await acr.session.list_tags()
        asked = acr.asked("/_manifests?")
        listing = await acr.session.list_tags(Wanted(loose=True))
        assert acr.asked("/_manifests?") == 2 * asked + 1
        emulator.manifest_attributes[PATH, nobodys.digest] = Attributes(list_enabled=False)
        assert (await acr.session.list_tags(Wanted(loose=True))).loose is None, "what is hidden may be an index"
        del emulator.manifest_attributes[PATH, nobodys.digest]
        emulator.names_hidden_tags = False
        doubtful = await acr.session.list_tags(Wanted(loose=True))
    assert usual.loose is None
    assert set(listing.loose or ()) == {child.digest, nobodys.digest, signature.digest}
    assert listing.pushed == dict.fromkeys(listing.loose or (), 1_790_000_000)
    assert hidden.digest not in listing.pushed
    assert doubtful.loose is None, "any of them may be the one with the tag that is not shown"


async def test_a_tag_that_moves_while_the_list_is_read_is_not_missed(tmp_path: Path) -> None:
    class Moving(AcrEmulator):
        def answer(self, request: Incoming) -> Reply:
            if "last" in request.query and "moved" not in vars(self):
                self.moved = put(self, images.image(images.config("one")), "v0", "v150")
            return super().answer(request)

    async with Moving() as emulator, connected(emulator, tmp_path) as acr:
        other = acr.image("other", *(f"v{number}" for number in range(201)))
        emulator.storage.put_blob(PATH, images.config("one"))
        listing = await acr.session.list_tags()
    assert listing.tags.keys() == {f"v{number}" for number in range(201)}
    assert listing.tags[Tag("v0")] == listing.tags[Tag("v150")] == emulator.moved.digest
    assert listing.tags[Tag("v1")] == other.digest


async def test_a_repository_without_tags_is_there_and_empty(acr: Connected) -> None:
    acr.image("one")
    listing = await acr.session.list_tags()
    assert (listing.exists, listing.tags) == (True, {})


@pytest.mark.parametrize("none", ["", ',"tags":null', ',"tags":[]'])
async def test_every_way_to_say_that_there_are_no_tags(acr: Connected, none: str) -> None:
    """Azure's description requires the list, Azure's own clients reckon without it."""
    acr.image("loose")
    acr.emulator.faults.add(Fault("GET", r"/_tags", Answer(200, f'{{"imageName":"team/app"{none}}}'.encode())))
    listing = await acr.session.list_tags()
    assert (listing.exists, listing.tags) == (True, {})


async def test_a_repository_that_does_not_exist(acr: Connected) -> None:
    listing = await acr.session.list_tags()
    assert (listing.exists, listing.tags) == (False, {})


@pytest.mark.parametrize("says_why", [True, False])
@pytest.mark.parametrize("refuses_excess", [True, False])
async def test_a_forbidden_repository_is_never_an_absent_one(
    tmp_path: Path, says_why: bool, refuses_excess: bool
) -> None:
    async with AcrEmulator(says_why=says_why, refuses_excess=refuses_excess) as emulator:
        emulator.passwords["stranger"] = ("a-password", Principal("stranger", {"other/*": ALL_ACTIONS}))
        login = emulator._docker("stranger", "a-password")
        push(emulator, "one", "v1")
        async with connected(emulator, tmp_path, login) as acr:
            for ask in (acr.session.list_tags, acr.session.probe):
                with pytest.raises(Unauthorized, match=r"'stranger' \(auths in .*config\.json\)") as raised:
                    await ask()
                assert "Container Registry Repository Contributor" in raised.value.what_to_do
                assert "a-password" not in str(raised.value)


ROW = '{"name":"v1","digest":"sha256:' + "a" * 64 + '"}'
BROKEN: dict[str, Action] = {
    "cut short": Answer(200, b'{"registry":"x","imageName":"team/app","tags":[{"name":"v1","dig'),
    "a page of a proxy": Answer(200, b"<html>Welcome</html>"),
    "not UTF-8": Answer(200, b'{"imageName":"\xff"}'),
    "an array": Answer(200, f"[{ROW}]".encode()),
    "an empty object": Answer(200, b"{}"),
    "another repository": Answer(200, f'{{"imageName":"team/other","tags":[{ROW}]}}'.encode()),
    "tags that are names only": Answer(200, b'{"imageName":"team/app","tags":["v1"]}'),
    "a digest that is none": Answer(200, b'{"imageName":"team/app","tags":[{"name":"v1","digest":"sha256:1"}]}'),
    "no digest": Answer(200, b'{"imageName":"team/app","tags":[{"name":"v1"}]}'),
    "a bare 404": Answer(404, b"not found"),
    "another 404": Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'),
    "a teapot": Answer(418, b"teapot"),
    "cut on the wire": Truncate(keep=30),
    "another host next": Answer(
        200, f'{{"imageName":"team/app","tags":[{ROW}]}}'.encode(), {"Link": '<https://evil.example/x>; rel="next"'}
    ),
    "in circles": Answer(
        200,
        f'{{"imageName":"team/app","tags":[{ROW}]}}'.encode(),
        {"Link": '</acr/v1/team/app/_tags?n=100&orderby=timeasc>; rel="next"'},
    ),
}


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_complete(acr: Connected, kind: str, nth: int) -> None:
    acr.image("one", *(f"v{number}" for number in range(250)))
    await acr.session.resolve(Tag("v1"))  # the challenge
    acr.emulator.faults.add(Fault("GET", r"/_tags", BROKEN[kind], nth=nth, times=None))
    with pytest.raises(IncompleteSource, match=r"127\.0\.0\.1|_tags"):
        await acr.session.list_tags()


async def test_the_firewall_is_named(acr: Connected) -> None:
    acr.image("one", "v1")
    acr.emulator.firewalled = True
    for ask in (acr.session.list_tags, acr.session.probe):
        with pytest.raises(Unauthorized, match="client with IP") as raised:
            await ask()
        assert "firewall" in raised.value.what_to_do
    (outcome,) = await acr.session.delete_manifests([ABSENT])
    assert isinstance(outcome, Forbidden)
    assert "firewall" in outcome.what
