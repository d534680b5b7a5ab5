"""What there is to decide by, counted, and held against what the last run has left that was checked to its end."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.baselines import SqliteBaselines
from holystone.engine.errors import HolystoneError
from holystone.engine.model.plan import Plan
from holystone.engine.model.reasons import InUse
from holystone.engine.model.records import RunRecord
from holystone.engine.model.references import Repository, Tag
from holystone.engine.model.source_notices import BaselineAbsent
from holystone.engine.model.sources import Counted, Key
from holystone.engine.planner.assemble import with_more
from holystone.engine.planner.baseline import Baseline, Shrunk, hold_against, less
from holystone.engine.undo.taken import tags_taken
from holystone.policies.werf.v1 import managed_images
from holystone.policies.werf.v1.records import parse_metadata_tag
from holystone.workflows.intent import GitAnswer
from holystone.workflows.inventory import ProjectInventory


def count_sources(plan: Plan, inventory: ProjectInventory, git: GitAnswer, *, users_asked: bool) -> tuple[Counted, ...]:
    """How much each source of the plan held, sorted. `users_asked`: somebody was asked what is in use."""
    storage, project = inventory.storage.canonical, next(iter(inventory.project), "")
    doomed = {each.repository: frozenset(each.doomed_tags) for each in plan.repositories}
    found: list[Counted] = []
    for repository, snapshot in inventory.snapshots.items():
        number = len(snapshot.names)
        found.append(Counted(Key("tags", repository.canonical), number, number - len(doomed.get(repository, ()))))
    stored = inventory.snapshots[inventory.storage].names
    left = stored - doomed.get(inventory.storage, frozenset())
    found.append(Counted(Key("managed-images", storage), len(managed_images(stored)), len(managed_images(left))))
    if git.references is not None:
        found.append(Counted(Key("references", storage, project), git.references, git.references))
    if git.reached is not None:
        commits, remaining = {*git.reached.values()}, {git.reached[tag] for tag in git.reached.keys() & left}
        found.append(Counted(Key("commits", storage, project), len(commits), len(remaining)))
    if users_asked:
        used = sum(
            any(isinstance(reason, InUse) for reason in kept.reasons) for at in plan.repositories for kept in at.kept
        )
        found.append(Counted(Key("in-use", storage, project), used, used))
    return tuple(sorted(found))


async def hold_against_last(plan: Plan, state_dir: Path, *, accepted: bool) -> Plan:
    """The plan with a refusal for every source that has shrunk too far. Raises HolystoneError."""
    before = await SqliteBaselines(state_dir).read(each.key for each in plan.counted)
    found = hold_against(before, plan.counted, accepted=accepted)
    if found != Shrunk():
        found = hold_against(less(before, await _deleted(state_dir, before)), plan.counted, accepted=accepted)
    notices = found.notices if before else (BaselineAbsent(str(state_dir)),)
    return with_more(plan, notices=notices, refusals=found.refusals)


async def remember(state_dir: Path, plan: Plan, run_id: str = "") -> tuple[str, ...]:
    """Keeps what there was to decide by, for later runs to be held against. To be called for a plan that was carried
    out and checked: what looks at one, is refused, or cannot say what it has left, must not shift what protects the
    next one. What the registry did not let go counts as gone. That nothing can be remembered is no failure: it is
    said."""
    try:
        await SqliteBaselines(state_dir).remember(plan.counted, plan.as_of, run_id)
    except HolystoneError as error:
        return (f"{error.message} So the next run has nothing newer to compare with.",)
    return ()


async def _deleted(state_dir: Path, before: Baseline) -> Mapping[Key, int]:
    """What runs of this journal have taken since, beside the one that left the baseline. What several of them tried to
    take, as each night where it cannot be deleted, counts once."""
    found: defaultdict[Key, set[object]] = defaultdict(set)
    with Journal.open(state_dir) as journal:
        for record in await journal.runs():
            if keys := [key for key, then in before.items() if record.id != then.run and _is_since(record, then.as_of)]:
                try:
                    taken = await _taken(journal, record.id)
                except HolystoneError:  # of another version: nothing is known of it, and its tags count as lost
                    continue
                for key in keys:
                    found[key].update(_of(key, taken, is_purge=record.command.endswith("purge")))
    return {key: len(each) for key, each in found.items()}


def _is_since(record: RunRecord, moment: int) -> bool:
    """An older one may have been resumed since."""
    return record.started >= moment or (record.ended or 0) > moment


async def _taken(journal: Journal, run_id: str) -> Mapping[Repository, frozenset[Tag]]:
    found: defaultdict[Repository, frozenset[Tag]] = defaultdict(frozenset)
    for plan in (await journal.plan(run_id)).repositories:
        if known := await journal.recorded(run_id, plan):
            found[plan.repository.canonical] |= tags_taken(plan, known)
    return found


def _of(key: Key, taken: Mapping[Repository, frozenset[Tag]], *, is_purge: bool) -> Collection[object]:
    """What there is less of a source."""
    tags = taken.get(key.repository, frozenset())
    match key.source:
        case "tags":
            return tags
        case "managed-images":
            return managed_images(tags)
        case "commits":
            return {record.commit for tag in tags if (record := parse_metadata_tag(tag))}
        case "in-use":  # which only a purge deletes: whose tags they were, matters no more
            return [(at, tag) for at, each in taken.items() for tag in each] if is_purge else ()
        case "references":
            return ()
