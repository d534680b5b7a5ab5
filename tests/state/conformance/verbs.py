"""Everything that writes, said once, and everything that was written, as another process reads it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Loss
from holystone.engine.model.plan import RepositoryPlan, StepId
from holystone.engine.model.records import RepositoryRecord, RunRecord, Tombstone
from holystone.engine.model.references import Tag
from holystone.engine.model.value import Value
from holystone.engine.ports import RepositoryJournal, Run, RunStore
from tests.state.conformance.stand import NOW, Stand
from tests.support.journals import begin_repository
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan

TOMBSTONE: Final = Tombstone(*layerless_image({}, oci=True))
FIRST, SECOND, ELSEWHERE = repository("a/first"), repository("a/second"), repository("z/elsewhere")
BYTES: Final = tuple(RawManifest(digest_of(body), OCI_MANIFEST, body) for body in (b"{}", b"[]", b"1", b"2", b"3"))
PLAN: Final = plan(
    *(
        repository_plan(each, level(*(remove(raw.digest) for raw in BYTES)), kept={"v2": digest_of(b"kept")}).claimed()
        for each in (FIRST, SECOND, repository("a/third"))
    )
)
IDS: Final = tuple(StepId(raw.digest) for raw in BYTES)
"""Of the steps of each repository's plan."""
OTHER_PLAN: Final = plan(repository_plan(ELSEWHERE, level(remove(BYTES[0].digest))).claimed())


class SeenRepository(Value, frozen=True):
    record: RepositoryRecord
    manifests: tuple[RawManifest, ...]


class SeenRun(Value, frozen=True):
    """A run as whoever takes it up finds it."""

    record: RunRecord
    plans: tuple[RepositoryPlan, ...]
    begun: tuple[SeenRepository, ...]


async def seen(stand: Stand) -> Mapping[str, SeenRun]:
    """All that is recorded, by runs that nobody works on."""
    found = {}
    async with stand.store() as store:
        for record in await store.runs():
            assert await store.record(record.id) == record
            run = await store.load(record.id)
            begun = []
            for each in run.plan.repositories:
                journal = await run.repository(each)
                assert await store.recorded(run.id, each) == (journal.known if journal else None)
                if journal:
                    journaled = await journal.journaled()
                    assert not journaled.damaged
                    manifests = [await journal.manifest(digest) for digest in journaled.whole]
                    begun.append(SeenRepository(journal.known, tuple(raw for raw in manifests if raw)))
            found[run.id] = SeenRun(record, tuple(run.plan.repositories), tuple(begun))
            run.release()
    return found


async def prepare(stand: Stand) -> None:
    """A run of which one repository was begun, in a store that has another one."""
    async with stand.store() as store:
        other = await store.begin(OTHER_PLAN, "prune")
        await (await begin_repository(other, ELSEWHERE, BYTES[:2], None)).record({IDS[0]: Failed("later")})
        other.release()
    async with stand.store(now=lambda: NOW + 1) as store:
        run = await store.begin(PLAN, "cleanup")
        begun = await begin_repository(run, FIRST, BYTES[:3], TOMBSTONE)
        await begun.record({IDS[0]: Failed("later"), IDS[1]: Deleted()})
        await begun.mark_tombstoned([IDS[2]])
        await begun.record_check([Loss(BYTES[0].digest)])


async def _run(store: RunStore) -> Run:
    """The latest, whether it has ended or not."""
    return await store.load((await store.runs())[0].id)


async def _first(store: RunStore) -> RepositoryJournal:
    found = await (await _run(store)).repository(PLAN.repositories[0])
    assert found
    return found


Action: TypeAlias = Callable[[], Awaitable[object]]


async def begin(store: RunStore) -> Action:
    return lambda: store.begin(plan(*_more()), "cleanup")


def _more() -> list[RepositoryPlan]:
    return [repository_plan(repository(f"more/{number}"), level(remove(BYTES[0].digest))) for number in range(6)]


async def begin_a_repository(store: RunStore) -> Action:
    run = await _run(store)
    return lambda: begin_repository(run, SECOND, BYTES, TOMBSTONE)


async def open_repository(store: RunStore) -> Action:
    run = await _run(store)
    return lambda: run.open_repository(SECOND, TOMBSTONE)


async def keep(store: RunStore) -> Action:
    begun = await (await _run(store)).open_repository(SECOND, None)
    return lambda: begun.keep(BYTES)


async def seal(store: RunStore) -> Action:
    begun = await (await _run(store)).open_repository(SECOND, TOMBSTONE)
    await begun.keep(BYTES)
    return begun.seal


async def record(store: RunStore) -> Action:
    journal = await _first(store)
    return lambda: journal.record({IDS[0]: Deleted(), IDS[2]: AlreadyGone(), IDS[3]: Failed("no")})


async def mark_tombstoned(store: RunStore) -> Action:
    journal = await _first(store)
    return lambda: journal.mark_tombstoned([IDS[0], IDS[2], IDS[3]])


async def record_check(store: RunStore) -> Action:
    journal = await _first(store)
    return lambda: journal.record_check([Loss(digest_of(b"kept"), Tag("v2")), Loss(BYTES[1].digest)])


async def may_lock(store: RunStore) -> Action:
    run = await _run(store)
    return lambda: run.may_lock(wanted=True)


async def begin_undo(store: RunStore) -> Action:
    return (await _run(store)).begin_undo


async def finish(store: RunStore) -> Action:
    return (await _run(store)).finish


async def finish_undo(store: RunStore) -> Action:
    run = await _run(store)
    return lambda: run.finish("undone")


async def give_up(store: RunStore) -> Action:
    latest = (await store.runs())[0].id
    return lambda: store.give_up(latest)


Verb: TypeAlias = Callable[[RunStore], Awaitable[Action]]
"""With the store as it was prepared: what writes, and nothing else."""
AGAIN: Final[tuple[Verb, ...]] = (
    begin_a_repository,
    open_repository,
    keep,
    seal,
    record,
    mark_tombstoned,
    record_check,
    may_lock,
    begin_undo,
    finish,
    finish_undo,
    give_up,
)
"""Those that may be done once more, and then change nothing."""
VERBS: Final[tuple[Verb, ...]] = (begin, *AGAIN)
