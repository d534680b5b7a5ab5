"""What every adapter promises about deleting, through the engine's own plan and execution."""

import time
from pathlib import Path

import anyio
import pytest

from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.faults import Answer, Fault
from holystone.engine.executor import RunResult
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Locked, MovedMeanwhile, Outcome
from holystone.engine.model.plan import Plan
from holystone.engine.model.reasons import LockedBy
from holystone.engine.report.reason_words import reason_words
from holystone.engine.report.refusal_words import refusal_words
from tests.contract.stands import EMULATORS, Stand, stand, unlocked
from tests.emulators.vendor import NotHere


def outcomes_of(result: RunResult) -> list[Outcome]:
    return [outcome for each in result.repositories for outcome in each.outcomes.values()]


def kept_tags(plan: Plan) -> set[str]:
    return {each.tag for repository in plan.repositories for each in repository.kept}


async def expect(served: Stand, snapshot_kept: set[str], gone: set[str], plan: Plan) -> None:
    """Every tag is where it should be; doomed ones that the vendor cannot delete alone are kept, with a reason."""
    tags, _ = await served.state()
    assert snapshot_kept <= tags.keys()
    for tag in gone & tags.keys():
        kept = next(each for each in plan.repositories[0].kept if each.tag == tag)
        assert kept.reasons
        assert all(reason_words(reason).of_one for reason in kept.reasons)
    assert gone & tags.keys() == gone & kept_tags(plan)


async def test_doomed_tags_and_their_manifests_go_and_nothing_else(served: Stand) -> None:
    kept = await served.image("kept", "keep", "keep-too")
    loose = await served.image("loose")
    doomed = [await served.image(f"{number}", f"old{number}") for number in range(5)]
    _, result = await served.clean({f"old{number}" for number in range(5)})
    assert not result.incomplete, result
    assert result.losses == ()
    tags, manifests = await served.state(kept.digest, loose.digest, *(each.digest for each in doomed))
    assert tags == {"keep": kept.digest, "keep-too": kept.digest}
    assert {kept.digest, loose.digest} <= manifests
    if (await served.session.probe()).digests:
        assert not manifests & {each.digest for each in doomed}


@pytest.mark.everywhere
async def test_a_kept_tag_survives_a_doomed_one_on_its_digest(served: Stand) -> None:
    shared = await served.image("shared", "keep", "old")
    other = await served.image("other", "another")
    plan, result = await served.clean({"old"})
    assert not result.incomplete, result
    tags, manifests = await served.state(shared.digest)
    assert tags["keep"] == shared.digest
    assert tags["another"] == other.digest
    assert shared.digest in manifests
    await expect(served, {"keep", "another"}, {"old"}, plan)


async def test_children_of_a_kept_index_stay_and_those_of_a_doomed_one_go(served: Stand) -> None:
    both, mine, theirs = await served.image("both"), await served.image("mine"), await served.image("theirs")
    kept = await served.index((both, mine), "keep")
    doomed = await served.index((both, theirs), "old")
    _, result = await served.clean({"old"})
    assert not result.incomplete, result
    tags, manifests = await served.state(*(each.digest for each in (both, mine, theirs, kept, doomed)))
    assert tags == {"keep": kept.digest}
    assert {both.digest, mine.digest, kept.digest} <= manifests
    if (await served.session.probe()).digests:
        assert not manifests & {doomed.digest, theirs.digest}


async def test_what_refers_to_a_kept_image_stays_with_it(served: Stand) -> None:
    kept = await served.image("kept", "keep")
    signature = await served.signature("signature", f"sha256-{kept.digest.hex}.sig")
    attestation = await served.image("attestation", subject=kept)
    await served.image("old", "old")
    _, result = await served.clean({"old"})
    assert not result.incomplete, result
    tags, manifests = await served.state(kept.digest, signature.digest, attestation.digest)
    assert tags == {"keep": kept.digest, f"sha256-{kept.digest.hex}.sig": signature.digest}
    assert {kept.digest, signature.digest, attestation.digest} <= manifests


async def test_the_signature_of_a_doomed_image_goes_with_it(served: Stand) -> None:
    kept, doomed = await served.image("kept", "keep"), await served.image("old", "old")
    await served.signature("signature", f"sha256-{doomed.digest.hex}.sig")
    await served.image("attestation", f"sha256-{doomed.digest.hex}.att")
    _, result = await served.clean({"old"})
    assert not result.incomplete, result
    tags, _ = await served.state(kept.digest)
    assert tags == {"keep": kept.digest}


async def test_the_signature_of_what_only_a_kept_index_needs_stays(served: Stand) -> None:
    child = await served.image("child", "old")
    signature = await served.signature("signature", f"sha256-{child.digest.hex}.sig")
    index = await served.index((child,), "keep")
    plan, result = await served.clean({"old"})
    assert not result.incomplete, result
    assert result.losses == ()
    tags, manifests = await served.state(*(raw.digest for raw in (child, signature, index)))
    assert {child.digest, signature.digest, index.digest} <= manifests
    assert tags[f"sha256-{child.digest.hex}.sig"] == signature.digest
    await expect(served, {"keep", f"sha256-{child.digest.hex}.sig"}, {"old"}, plan)


async def test_a_tagged_referrer_that_stays_is_not_taken_with_its_subject(served: Stand) -> None:
    await served.image("kept", "keep")
    subject = await served.image("old", "old")
    sbom = await served.image("sbom", "sbom-of-it", subject=subject)
    await served.clean({"old"})
    tags, manifests = await served.state(sbom.digest)
    assert tags["sbom-of-it"] == sbom.digest
    assert sbom.digest in manifests


async def test_a_tag_that_moved_after_it_was_planned_stays(served: Stand) -> None:
    kept = await served.image("kept", "keep")
    await served.image("old", "old", "older")
    await served.image("gone", "gone")
    _, plan = await served.plan({"old", "older", "gone"})
    await served.move("old", kept)
    result = await served.apply(plan)
    tags, _ = await served.state(kept.digest)
    assert tags["old"] == kept.digest
    assert tags["keep"] == kept.digest
    assert "gone" not in tags
    assert MovedMeanwhile(kept.digest) in outcomes_of(result)


async def test_a_tag_that_moved_while_its_deletion_waited_stays(served: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    if served.emulator is None:
        pytest.skip("it throttles nobody")
    for room in ("work", "tombstones"):
        monkeypatch.setattr(f"holystone.engine.executor.{room}.FRESH", 0.2)
    kept = await served.image("kept", "keep")
    await served.image("old", "old")
    _, plan = await served.plan({"old"})
    emulator, answer = served.emulator, served.emulator.answer
    deletions = 0

    def later(request: Incoming) -> Reply:
        nonlocal deletions
        pushes_over = request.method == "PUT" and request.path.endswith("/manifests/old")
        if request.method == "DELETE" or pushes_over or "BatchDelete" in request.headers.get("X-Amz-Target", ""):
            deletions += 1
            if deletions == 1:
                emulator.storage.put_manifest(served.path, kept.body, kept.media_type, "old")
                time.sleep(0.25)
                return emulator.throttling()
        return answer(request)

    monkeypatch.setattr(emulator, "answer", later)
    result = await served.apply(plan)
    assert deletions
    assert (await served.state(kept.digest))[0] == {"keep": kept.digest, "old": kept.digest}
    assert not result.incomplete, result


async def test_what_is_gone_already_is_no_failure(served: Stand) -> None:
    await served.image("kept", "keep")
    await served.image("old", "old")
    _, plan = await served.plan({"old"})
    first = await served.apply(plan)
    assert not first.incomplete
    second = await served.apply(plan)
    assert not second.incomplete, second
    assert {type(outcome) for outcome in outcomes_of(second)} <= {AlreadyGone, Deleted}


async def test_a_locked_tag_stays_and_the_plan_knows_it(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("it cannot be told to lock a tag")
    await served.image("kept", "keep")
    locked = await served.image("locked", "locked")
    await served.image("old", "old")
    served.emulator.lock(served.path, "locked")
    plan, result = await served.clean({"locked", "old"})
    tags, _ = await served.state(locked.digest)
    assert tags["locked"] == locked.digest
    assert "old" not in tags
    reasons = [reason for each in plan.repositories[0].kept if each.tag == "locked" for reason in each.reasons]
    assert any(isinstance(reason, LockedBy) for reason in reasons), "the lock was not read before planning"
    assert not result.incomplete


async def test_a_lock_that_comes_after_the_plan_is_reported_and_stops_nothing_else(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("it cannot be told to lock a tag")
    await served.image("kept", "keep")
    locked = await served.image("locked", "locked")
    await served.image("old", "old")
    _, plan = await served.plan({"locked", "old"})
    served.emulator.lock(served.path, "locked")
    result = await served.apply(plan)
    tags, _ = await served.state(locked.digest)
    assert tags["locked"] == locked.digest
    assert tags["keep"]
    assert any(isinstance(each, Locked) for each in outcomes_of(result))


async def test_one_deletion_that_fails_is_told_and_stops_no_other(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("it cannot be told to fail")
    if served.profile.can.bulk > 1:
        raise NotHere("one request deletes many: what fails of it is shown by the adapter's own tests")
    await served.image("kept", "keep")
    doomed = {f"old{number}": await served.image(f"{number}", f"old{number}") for number in range(6)}
    _, plan = await served.plan(set(doomed))
    ours = "|".join((r"/versions/\d+$", *doomed, *(raw.digest for raw in doomed.values())))
    served.emulator.faults.add(Fault("DELETE", ours, Answer(418, b"a teapot"), nth=3))
    result = await served.apply(plan)
    assert result.incomplete
    errors = [each.error for each in outcomes_of(result) if isinstance(each, Failed)]
    assert len([error for error in errors if "418" in error]) == 1
    assert all("418" in error or "could not be removed" in error for error in errors), "one cause, and what hangs on it"
    tags, _ = await served.state()
    assert len(tags.keys() & doomed.keys()) <= 1
    again = await served.apply(plan)
    assert not again.incomplete, again
    assert (await served.state())[0].keys() == {"keep"}


async def test_throttled_deletions_are_all_done_in_the_end(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("it throttles nobody")
    await served.image("kept", "keep")
    for number in range(8):
        await served.image(f"{number}", f"old{number}")
    _, plan = await served.plan({f"old{number}" for number in range(8)})
    served.emulator.throttle(3)
    result = await served.apply(plan)
    assert not result.incomplete, result
    assert (await served.state())[0].keys() == {"keep"}


async def test_tokens_that_end_between_plan_and_deletion_are_renewed(served: Stand) -> None:
    if served.emulator is None:
        pytest.skip("its tokens cannot be ended")
    await served.image("kept", "keep")
    await served.image("old", "old")
    _, plan = await served.plan({"old"})
    served.emulator.expire_tokens()
    result = await served.apply(plan)
    assert not result.incomplete, result
    assert (await served.state())[0].keys() == {"keep"}


async def test_a_credential_that_may_not_delete_is_found_before_the_first_deletion(
    registry_name: str, tmp_path: Path
) -> None:
    if registry_name not in EMULATORS:
        pytest.skip("it is run without rights")
    async with stand(registry_name, tmp_path, login="weak_login") as served:
        raw = await served.image("old", "old")
        await served.image("kept", "keep")
        _, plan = await served.plan({"old"})
        refusals = [each for each in plan.refusals if each.promise == "deletion-disabled"]
        assert refusals, "the plan would have been carried out"
        assert (await served.state())[0]["old"] == raw.digest
        text = " ".join(refusal_words(refusals[0])[:2])
        assert not [secret for secret in served.login.secrets if secret in text]


async def test_cancelled_in_the_middle_and_finished_later(served: Stand) -> None:
    kept = await served.image("kept", "keep")
    for number in range(40):
        await served.image(f"{number}", f"old{number}")
    _, plan = await served.plan({f"old{number}" for number in range(40)})
    with anyio.move_on_after(0.02):
        await served.apply(plan)
    again = await served.apply(plan)
    assert not again.incomplete, again
    assert again.losses == ()
    assert (await served.state())[0] == {"keep": kept.digest}


@pytest.mark.slow
@pytest.mark.parametrize("count", [1_200, pytest.param(3_000, marks=pytest.mark.exhaustive)])
async def test_more_than_a_page_of_tags_ends_in_exactly_the_expected_state(served: Stand, count: int) -> None:
    if not served.emulator:
        count //= 10
    pushed = await served.many_images(
        {f"v{number}": f"{number // 2 if number % 10 == 0 else number}" for number in range(count)}
    )
    expected = {tag: str(raw.digest) for tag, raw in pushed.items() if int(tag[1:]) % 3 == 0}
    doomed = pushed.keys() - expected.keys()
    digests = {str(pushed[tag].digest) for tag in doomed}
    plan, result = await served.clean(doomed)
    assert unlocked(plan).refusals == ()
    assert not result.incomplete, result
    assert result.losses == ()
    tags, manifests = await served.state()
    spared = doomed & kept_tags(plan)
    assert {tag: at for tag, at in tags.items() if tag not in spared} == expected
    assert spared == doomed & tags.keys()
    if (await served.session.probe()).digests:
        assert not manifests & (digests - set(tags.values()))
