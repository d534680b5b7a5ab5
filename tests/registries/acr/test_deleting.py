"""Azure: deletions, locks, and what comes back."""

from pathlib import Path

import pytest

from holystone.adapters.registries.acr.profile import PROFILE
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import RegistryFailure
from holystone.engine.model.capabilities import SPARES_ALL, DigestDeletion, TagDeletion
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked
from holystone.engine.model.references import Tag
from tests.emulators.acr import READ_ACTIONS, AcrEmulator, Principal
from tests.registries.acr.connected import ABSENT, PATH, Connected, connected, put
from tests.support import images

# Deleting


async def test_a_tag_goes_alone_and_the_last_one_leaves_its_manifest(acr: Connected) -> None:
    raw = acr.image("one", "v1", "v2")
    tags = [Tag("v1"), Tag("v2"), Tag("v1")]
    assert await acr.session.delete_tags(tags) == [Deleted(), Deleted(), AlreadyGone()]
    assert await acr.session.resolve(raw.digest) == raw.digest
    assert (await acr.session.list_tags()).tags == {}


async def test_referrers_are_asked_for_where_the_listing_does_not_show_all_manifests(acr: Connected) -> None:
    subject = acr.image("subject", "v1")
    acr.image("other", "v2", "v3")
    await acr.session.probe()
    await acr.session.list_tags()
    assert await acr.session.referrers(subject.digest) == ()
    assert acr.asked("/referrers/") == 0, "every manifest has a tag"
    signature = acr.image("signature", subject=subject)
    await acr.session.probe()
    await acr.session.list_tags()
    assert await acr.session.referrers(subject.digest) == [signature.digest]


async def test_referrers_are_asked_for_where_azure_does_not_count(acr: Connected) -> None:
    subject = acr.image("subject", "v1")
    signature = acr.image("signature", subject=subject)
    said = b'{"imageName":"team/app"}'
    acr.emulator.faults.add(Fault("GET", rf"/acr/v1/{PATH}", Answer(200, said)))
    await acr.session.probe()
    await acr.session.list_tags()
    assert await acr.session.referrers(subject.digest) == [signature.digest]


async def test_a_manifest_takes_its_tags_and_referrers_and_no_index_protects_its_children(acr: Connected) -> None:
    child, subject = acr.image("child"), acr.image("subject", "v1", "v2")
    index = put(acr.emulator, images.index(child), "multi")
    signature = acr.image("signature", "signed", subject=subject)
    above = acr.image("above", subject=signature)
    assert await acr.session.referrers(subject.digest) == [signature.digest]
    digests = [child.digest, subject.digest, signature.digest, above.digest, ABSENT]
    assert await acr.session.delete_manifests(digests) == [
        Deleted(),
        Deleted(),
        AlreadyGone(),
        AlreadyGone(),
        AlreadyGone(),
    ]
    assert (await acr.session.list_tags()).tags == {"multi": index.digest}


async def test_what_azure_locked_stays(acr: Connected) -> None:
    manifest, tagged = acr.image("manifest", "v1"), acr.image("tagged", "v2", "v3")
    acr.emulator.lock_manifest(PATH, manifest.digest)
    acr.emulator.lock(PATH, "v2")
    (by_name,) = await acr.session.delete_tags([Tag("v2")])
    (by_digest,) = await acr.session.delete_manifests([manifest.digest])
    assert isinstance(by_name, Locked)
    assert isinstance(by_digest, Locked)
    assert tagged.digest in acr.emulator.storage.repositories[PATH].manifests


async def test_a_manifest_with_a_tag_that_the_last_listing_saw_locked_is_not_even_asked_for(acr: Connected) -> None:
    raw, free = acr.image("locked", "v1", "v2"), acr.image("free", "v3")
    await acr.session.list_tags()
    acr.emulator.lock(PATH, "v1")
    await acr.session.list_tags()
    outcomes = await acr.session.delete_manifests([raw.digest, free.digest])
    assert outcomes == [Locked("its tag v1 is locked in Azure: deleteEnabled is false"), Deleted()]
    assert acr.asked(raw.digest) == 0
    acr.emulator.tag_attributes.clear()
    await acr.session.list_tags()
    assert await acr.session.delete_manifests([raw.digest]) == [Deleted()]


async def test_a_hidden_tag_is_listed_all_the_same_and_saves_its_manifest(acr: Connected) -> None:
    raw, free = acr.image("hidden", "v1", "prod"), acr.image("free", "v2")
    acr.emulator.hide(PATH, "prod")
    listing = await acr.session.list_tags()
    assert listing.tags == {"v1": raw.digest, "prod": raw.digest, "v2": free.digest}
    assert listing.locked == {"prod": "hidden in Azure: listEnabled is false"}
    outcomes = await acr.session.delete_manifests([raw.digest, free.digest])
    assert outcomes == [Locked("its tag prod is hidden in Azure: listEnabled is false"), Deleted()]
    assert (await acr.session.probe()).digests


async def test_where_azure_counts_tags_that_it_never_names_no_manifest_goes_by_digest(tmp_path: Path) -> None:
    async with AcrEmulator(names_hidden_tags=False) as emulator, connected(emulator, tmp_path) as acr:
        acr.image("hidden", "v1", "prod")
        emulator.hide(PATH, "prod")
        assert (await acr.session.list_tags()).tags.keys() == {"v1"}
        can = await acr.session.probe()
        assert (can.tags, can.digests) == (TagDeletion(SPARES_ALL), None)


@pytest.mark.parametrize("doubtful", ["shows_locks", "names_hidden_tags"])
async def test_who_carries_out_another_process_plan_is_told_the_same_as_that_one(tmp_path: Path, doubtful: str) -> None:
    """Else the plan is one of another registry, each time: `apply` refuses it, and `resume` ends the run."""
    quirk = {doubtful: False}
    async with AcrEmulator(**quirk) as emulator:  # type: ignore[arg-type]
        async with connected(emulator, tmp_path) as acr:
            acr.image("hidden", "v1", "prod")
            emulator.hide(PATH, "prod")
            await acr.session.list_tags()
            planned = await acr.session.probe()
        assert planned != PROFILE.can
        async with connected(emulator, tmp_path) as again:
            assert (await again.session.probe()).manners == planned.manners


async def test_a_tag_that_was_hidden_after_the_plan_saves_its_manifest(acr: Connected) -> None:
    raw, free = acr.image("hidden", "v1", "prod"), acr.image("free", "v2")
    more = {**acr.emulator.storage.repositories[PATH].tags}
    await acr.session.list_tags()
    acr.emulator.faults.add(
        Fault("GET", rf"/{PATH}/_manifests\?", Answer(200, b'{"imageName":"team/app"}'), times=None)
    )
    acr.emulator.hide(PATH, "prod")
    await acr.session.list_tags()
    outcomes = await acr.session.delete_manifests([raw.digest, free.digest])
    assert isinstance(outcomes[0], Locked)
    assert outcomes[1] == Deleted()
    assert acr.emulator.storage.repositories[PATH].tags == {tag: at for tag, at in more.items() if tag != "v2"}


async def test_whether_undo_may_push_is_known_beforehand(tmp_path: Path) -> None:
    deleter = Principal("deleter", {"*": READ_ACTIONS | {"delete"}})
    async with AcrEmulator() as emulator, connected(emulator, tmp_path, emulator.az_login(principal=deleter)) as acr:
        acr.image("one", "v1")
        can = await acr.session.probe()
        assert not can.forbidden
        assert not can.undo.possible
        assert "AcrPush" in can.undo.lacks
    async with AcrEmulator() as emulator, connected(emulator, tmp_path) as acr:
        acr.image("one", "v1")
        can = await acr.session.probe()
        assert can.undo.possible
        assert "soft delete" in can.undo.doubt


async def test_locks_that_are_not_told_are_unknown_and_azure_is_asked_to_untag_first(tmp_path: Path) -> None:
    async with AcrEmulator(shows_locks=False) as emulator, connected(emulator, tmp_path) as acr:
        acr.image("one", "v1")
        await acr.session.list_tags()
        assert (await acr.session.probe()).digests == DigestDeletion(tags_first=True)
    async with AcrEmulator() as emulator, connected(emulator, tmp_path) as acr:
        acr.image("one", "v1")
        await acr.session.list_tags()
        assert await acr.session.probe() == PROFILE.can


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200), Deleted),
        (Answer(202), Deleted),
        (Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'), AlreadyGone),
        (Answer(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}'), AlreadyGone),
        (Answer(404, b'{"errors":[{"code":"TAG_UNKNOWN"}]}'), AlreadyGone),
        (Answer(404, b"<html>"), Failed),
        (Answer(405, b'{"errors":[{"code":"REGISTRY_DISALLOWED_OPERATION"}]}'), Locked),
        (Answer(405, b'{"errors":[{"code":"UNSUPPORTED"}]}'), Failed),
        (Answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}'), Forbidden),
        (Answer(403, b'{"errors":[{"code":"DENIED"}]}'), Forbidden),
        (Answer(409, b'{"errors":[{"code":"CONFLICT"}]}'), Failed),
        (Answer(429, b"slow down"), Failed),
        (Answer(500, b""), Failed),
        (Answer(503, b"busy"), Failed),
    ],
)
async def test_replies_to_a_deletion(acr: Connected, answer: Answer, expected: type) -> None:
    raw = acr.image("one", "v1")
    await acr.session.list_tags()
    acr.emulator.faults.add(Fault("DELETE", r"/_tags/|/manifests/", answer, times=None))
    (by_name,) = await acr.session.delete_tags([Tag("v1")])
    (by_digest,) = await acr.session.delete_manifests([raw.digest])
    assert isinstance(by_name, expected)
    assert isinstance(by_digest, expected)


async def test_requests_stay_within_what_the_job_needs(acr: Connected) -> None:
    """One probe, a count and a page for every hundred tags, one deletion each, and the log-in: a challenge, a
    token, and another that tells whether a push is allowed."""
    raws = [acr.image(f"{number}", f"v{number}") for number in range(250)]
    listing = await acr.session.list_tags()
    await acr.session.probe()
    assert len(listing.tags) == 250
    for raw in raws[:200]:
        assert await acr.session.delete_manifests([raw.digest]) == [Deleted()]
    assert len(acr.emulator.requests) == 1 + 1 + 3 + 200 + 3


# Bringing back


async def test_what_was_soft_deleted_comes_back_with_its_tags(tmp_path: Path) -> None:
    async with AcrEmulator(soft_delete=True) as emulator, connected(emulator, tmp_path) as acr:
        raw, plain = acr.image("one", "v1", "v2"), acr.image("plain")
        digests = [raw.digest, plain.digest]
        await acr.session.delete_manifests(digests)
        with pytest.raises(RegistryFailure, match="soft deleted"):
            await acr.session.push_manifest(Tag("v1"), raw)
        assert await acr.session.restore(raw.digest, [Tag("v1"), Tag("v2")])
        assert await acr.session.restore(plain.digest, ())
        assert emulator.storage.repositories[PATH].tags == {"v1": raw.digest, "v2": raw.digest}
        assert await acr.session.resolve(plain.digest) == plain.digest
        assert not await acr.session.restore(raw.digest, [Tag("never-was")])
        assert not await acr.session.restore(ABSENT, ())


async def test_without_the_policy_a_push_brings_it_back(acr: Connected) -> None:
    raw = acr.image("one", "v1")
    await acr.session.delete_manifests([raw.digest])
    assert not await acr.session.restore(raw.digest, [Tag("v1")])
    await acr.session.push_manifest(Tag("v1"), raw)
    assert await acr.session.resolve(Tag("v1")) == raw.digest


@pytest.mark.parametrize("says_why", [True, False])
async def test_without_the_right_to_restore_a_push_is_tried(tmp_path: Path, says_why: bool) -> None:
    async with AcrEmulator(says_why=says_why) as emulator:
        rights = {"*": frozenset({"pull", "push", "delete", "metadata_read"})}
        emulator.passwords["pusher"] = ("a-password", Principal("pusher", rights))
        async with connected(emulator, tmp_path, emulator._docker("pusher", "a-password")) as acr:
            raw = acr.image("one", "v1")
            await acr.session.delete_manifests([raw.digest])
            assert not await acr.session.restore(raw.digest, ())
            await acr.session.push_manifest(raw.digest, raw)
            assert await acr.session.resolve(raw.digest) == raw.digest
