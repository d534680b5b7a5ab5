"""The replayed list: it can be sent to all that plays a server, and notices what it has to notice."""

import re

import msgspec
import pytest

from holystone.embedded.quirks import ZOT, Quirks
from holystone.embedded.server import EmbeddedRegistry
from tests.real.replay.counterparts import COUNTERPARTS
from tests.real.replay.replaying import Replaying, Side, Told, compared, connected
from tests.real.replay.requests import ANONYMOUS, CHAPTERS, Chapters
from tests.real.replay.vendors import GITLAB, HARBOR, QUAY

ALL: Chapters = {**CHAPTERS, **ANONYMOUS, **GITLAB, **HARBOR, **QUAY}


async def told(quirks: Quirks, chapter: str) -> Told:
    async with EmbeddedRegistry(quirks=quirks) as registry, connected() as session:
        return await Replaying(session, Side(registry.url, "team"), "team/app").run(ALL[chapter])


def test_there_are_enough_and_no_two_of_a_chapter_are_called_the_same() -> None:
    asked = [ask for chapter in CHAPTERS.values() for ask in chapter]
    assert sum(not ask.setting for ask in asked) > 200
    assert {ask.method for ask in asked} >= {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"}
    assert all(any(not ask.setting for ask in chapter) for chapter in ALL.values())


@pytest.mark.parametrize("chapter", ["deleting tags", "odd names", "referrers"])
async def test_what_is_the_same_differs_in_nothing(chapter: str) -> None:
    assert compared("zot", chapter, await told(ZOT, chapter), await told(ZOT, chapter)) == []


@pytest.mark.parametrize(
    ("chapter", "change", "line", "model"),
    [
        ("overwriting", {"overwrite_drops": False}, "HEAD /v2/{repo}/manifests/{docker_a}", "status 200"),
        (
            "deleting tags",
            {"deletes_tags": False},
            "DELETE /v2/{repo}/manifests/a",
            "status 400, code DIGEST_INVALID",
        ),
        ("deleting tags", {"last_tag_drops": True}, "HEAD /v2/{repo}/manifests/{oci_b}", "status 404"),
        ("pages", {"unknown_last": "next"}, "GET /v2/{repo}/tags/list?n=3&last=t", "status 200"),
        ("referrers", {"referrers_api": False}, "PUT /v2/{repo}/manifests/{sbom} < sbom", "OCI-Subject –"),
        (
            "put back",
            {"missing_code": "MANIFEST_BLOB_UNKNOWN"},
            "PUT /v2/{repo}/manifests/release < two #2",
            "code MANIF",
        ),
        ("odd names", {"folds_tags": True}, "GET /v2/{repo}/tags/list", "tags _-. latest LONG v1.0-rc"),
    ],
)
async def test_what_is_otherwise_is_noticed(chapter: str, change: dict[str, object], line: str, model: str) -> None:
    other = msgspec.structs.replace(ZOT, **change)
    found = compared("zot", chapter, await told(ZOT, chapter), await told(other, chapter))
    named = {each.what.removeprefix(f"{chapter}: ").removesuffix(" (Accept: any)"): each.model for each in found}
    assert named[line].startswith(model)


async def test_answers_do_not_tell_where_they_were_given() -> None:
    for chapter in CHAPTERS:
        for _, facts in await told(ZOT, chapter):
            said = " ".join(facts.values())
            assert not re.search(r"127\.0\.0\.1|team/app|[0-9a-f]{40}", said), said


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTERPARTS, ids="model_of_{}".format)
async def test_whoever_plays_a_server_has_an_answer_to_everything(name: str) -> None:
    counterpart = COUNTERPARTS[name]
    async with counterpart.made() as model, connected() as session:
        side = counterpart.side(model)
        for number, (chapter, asked) in enumerate(counterpart.chapters.items()):
            for line, facts in await Replaying(session, side, f"{side.account}/app-{number}").run(asked):
                broken = facts["status"] in ("0", "500") and not facts.get("code") if "status" in facts else False
                assert not broken, (chapter, line)
