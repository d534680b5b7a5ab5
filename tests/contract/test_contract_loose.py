"""Manifests without a tag that nobody needs go where the registry lists them, and nothing else does."""

import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import Plan
from holystone.engine.model.policy_reasons import Untagged
from holystone.engine.model.reasons import NotAsked
from holystone.engine.model.verdicts import Keep
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planning import Judged, Where, plan_repository
from holystone.engine.ports import Wanted
from holystone.workflows.candidates import find_candidates
from tests.contract.stands import Stand


async def plan_of(served: Stand, cache: SqliteDigestCache) -> Plan:
    """Every tag stays; what has no tag and is needed by nothing goes."""

    async def judge(snapshot: RepositorySnapshot) -> Judged:
        loose = [each.digest for each in find_candidates(snapshot, 0, {}).loose]
        keep = Keep((NotAsked(),))
        return Judged(dict.fromkeys(snapshot.tags, keep), TagFacts(), dict.fromkeys(loose, Untagged(9, 1)))

    planned = await plan_repository(
        served.session,
        cache,
        judge,
        Where("images", "user"),
        needs_config=lambda _: False,
        wanted=Wanted(loose=True),
        fuse=None,
        now=0,
    )
    assert planned.refusals == ()
    return Plan(as_of=0, command="contract", repositories=(planned.plan,))


async def test_what_nobody_needs_goes_and_comes_back(served: Stand) -> None:
    if not served.profile.can.listing.loose or served.emulator is None:
        pytest.skip("it does not list manifests without a tag")
    image = await served.image("one", "v1")
    needed = await served.image("needed")
    await served.index((needed,), "multi")
    await served.image("referrer", subject=image)
    kept = await served.state()
    alone, part = await served.image("alone"), await served.image("part")
    index = await served.index((part, needed))
    before = await served.state()
    cache = SqliteDigestCache(None)
    plan = await plan_of(served, cache)
    going = {str(step.id) for step in plan.repositories[0].steps}
    assert going == {str(each.digest) for each in (alone, index, part)}
    result = await served.apply(plan, cache)
    assert not result.incomplete, result
    assert result.losses == ()
    assert await served.state() == kept
    again = await plan_of(served, SqliteDigestCache(None))
    assert again.is_empty, "a second run plans nothing"
    await served.undo()
    assert await served.state() == before
