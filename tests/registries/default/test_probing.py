"""Plain registries: which server it is, and what it can do, is found out and nothing is changed."""

from pathlib import Path

import msgspec
import pytest

from holystone.adapters.registries.default.registry import DefaultSession
from holystone.embedded.access import Anyone, Auth, TokenService, User
from holystone.embedded.faults import Answer, Fault
from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1, GITEA, OCI, ZOT, Quirks
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.capabilities import SPARES_ALL, Capabilities, Cascade, DigestDeletion, LastTag, TagDeletion
from tests.registries.default.connected import connected, push_image
from tests.support import images
from tests.support.docker_registry import docker_registry

TOKENS = TokenService({"": User("")}, service="container_registry", path="/v2/token")


async def test_probe_finds_out_what_can_be_deleted_and_changes_nothing(
    served: tuple[DefaultSession, Quirks],
) -> None:
    session, quirks = served
    await push_image(session, "one", "v1")
    before = await session.list_tags()
    found = await session.probe()
    assert not found.forbidden
    assert bool(found.tags) == quirks.deletes_tags
    assert found.digests
    assert found.digests.cost_grows != quirks.deletes_tags
    assert await session.list_tags() == before


def leaves(can: Capabilities) -> tuple[bool, bool, bool]:
    """Whether a deleted tag leaves its siblings, a last one its manifest, and an overwritten one its manifest."""
    by_name = can.tags.last_tag if can.tags else None
    overwritten = can.digests.tombstones if can.digests else None
    return bool(by_name), by_name == SPARES_ALL, overwritten == SPARES_ALL


async def probed(quirks: Quirks, auth: Auth | None = None) -> Capabilities:
    async with (
        EmbeddedRegistry(quirks=quirks, auth=auth or Anyone()) as embedded,
        connected(embedded.host) as session,
    ):
        embedded.storage.put_blob("team/app", images.config("one"))
        raw = images.image(images.config("one"))
        embedded.storage.put_manifest("team/app", raw.body, raw.media_type, "v1")
        return await session.probe()


@pytest.mark.parametrize(
    ("quirks", "shown"),
    [
        (DISTRIBUTION_2_8, (False, False, True)),
        (DISTRIBUTION_3, (True, True, True)),
        (DISTRIBUTION_3_1, (True, True, True)),
        (ZOT, (False, False, False)),
        (OCI, (False, False, False)),
        (GITEA, (True, False, False)),
    ],
)
async def test_only_what_a_server_was_shown_to_leave_is_trusted_to_stay(
    quirks: Quirks, shown: tuple[bool, bool, bool]
) -> None:
    assert leaves(await probed(quirks, TOKENS if quirks is GITEA else None)) == shown


@pytest.mark.parametrize(
    "quirks",
    [
        # Whoever answers with 2.8's words and deletes by tag, or with 3's and does not, is neither.
        msgspec.structs.replace(OCI, absent_tag="document"),
        msgspec.structs.replace(DISTRIBUTION_2_8, absent_tag="unknown-tag"),
        msgspec.structs.replace(DISTRIBUTION_2_8, absent_tag="words"),
        msgspec.structs.replace(DISTRIBUTION_3_1, silent=True),
        msgspec.structs.replace(DISTRIBUTION_3_1, absent_tag="words"),
    ],
)
async def test_what_looks_like_distribution_is_not_taken_for_it(quirks: Quirks) -> None:
    found = await probed(quirks)
    assert leaves(found) == (False, False, False)
    assert found.digests == DigestDeletion(tombstones=LastTag("may-go", takes_attached=True))
    assert found.cascade == Cascade(referrers=True, children=True)


async def test_a_referrers_api_is_no_sign_that_it_is_not_distribution() -> None:
    assert leaves(await probed(msgspec.structs.replace(DISTRIBUTION_3_1, referrers_api=True))) == (True, True, True)


async def test_gitea_is_known_by_its_challenge() -> None:
    found = await probed(GITEA, TOKENS)
    assert found.tags == TagDeletion(LastTag("goes-unanchored", takes_attached=False))
    assert found.undo.way == "none"
    assert (await probed(GITEA)).tags == TagDeletion(), "without a challenge nothing shows it"


async def test_a_server_that_says_what_it_is_is_not_cleaned_as_another_one_in_silence() -> None:
    harbor = TokenService({"": User("")}, service="harbor-registry", path="/service/token")
    found = await probed(OCI, harbor)
    assert "Harbor" in found.warnings[0]
    assert found.cascade.referrers
    assert not (await probed(OCI)).warnings


@pytest.mark.parametrize("quirks", [DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1])
async def test_probe_names_the_setting_where_deletion_is_off(quirks: Quirks) -> None:
    async with (
        EmbeddedRegistry(quirks=quirks.without_deletion()) as embedded,
        connected(embedded.host) as session,
    ):
        found = await session.probe()
        assert found.forbidden
        assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in found.forbidden


async def test_probe_of_a_real_registry_with_deletion_off(tmp_path: Path) -> None:
    async with docker_registry(tmp_path, delete=False) as real, connected(real.host) as session:
        found = await session.probe()
        assert found.forbidden
        assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in found.forbidden


async def test_one_false_404_does_not_make_another_server_of_distribution() -> None:
    """Its answers to a GET and to a DELETE of an absent tag are told apart; a server that answers the one as 2.8 does
    and deletes by tag is asked twice before that is believed."""
    not_known = Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
    fault = Fault("DELETE", "/manifests/holystone-probe", not_known)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=(fault,)) as embedded,
        connected(embedded.host) as session,
    ):
        found = await session.probe()
        assert leaves(found) == (False, False, True)


@pytest.mark.parametrize(
    ("access", "lacks"),
    [
        ([{"type": "repository", "name": "team/app", "actions": ["pull", "delete"]}], "the right to push"),
        ([], "the right to push"),
        ([{"name": "team/app", "actions": ["pull", "push"]}], ""),
        ([{"name": "team/app", "actions": ["*"]}], ""),
        ("no list", ""),
        (None, ""),
    ],
)
async def test_the_token_says_beforehand_whether_undo_may_push(
    access: object, lacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_3_1) as embedded,
        connected(embedded.host) as session,
    ):
        asked: list[str] = []

        async def granted(scope: str, **_: object) -> dict[str, object]:
            asked.append(scope)
            return {} if access is None else {"access": access}

        monkeypatch.setattr(session.http, "granted", granted)
        assert (await session.probe()).undo.lacks == lacks
        assert asked == [f"repository:{session.repository.path}:pull,push"]
