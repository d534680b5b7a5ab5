"""Four ways to delete the same tags from the same repository, and how a plan is carried out for a benchmark."""

import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.lines import Line, line
from benchmarks.seeds import PATH, stage, stages
from benchmarks.servers import NO_REGISTRY, find_registry
from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.default.registry import DefaultSession, OciRegistry
from holystone.adapters.state.spool import FileSpool
from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.closure.close import close
from holystone.engine.executor import RepositoryResult, execute_plan
from holystone.engine.executor.tombstones import make_tombstone
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.delete_reasons import NotNeeded
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.references import Digest, RegistryHost, Repository, Tag
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.planner.check import check_plan
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.repository import plan_closed
from holystone.engine.scheduler import Limits, Scheduler, for_each

CONCURRENCY = 16
_TAGS, _DOOMED = 2_500, 2_000
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Client:
    session: DefaultSession
    concurrency: int


@asynccontextmanager
async def client(host: RegistryHost, concurrency: int = CONCURRENCY) -> AsyncIterator[Client]:
    """As `holystone.adapters.registries.connections` connects."""
    limits = Limits(in_flight=concurrency)
    scheduler = Scheduler(limits)
    async with RegistryHttp(host, Anonymous(), connections=concurrency) as http:
        reads, writes = (scheduler.lane(host, "bench", kind) for kind in ("read", "write"))
        session = OciRegistry(host, http, reads, writes).open(Repository(host, PATH))
        yield Client(session, concurrency)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run knows when it begins to delete."""

    plan: RepositoryPlan
    cache: SqliteDigestCache

    @property
    def doomed(self) -> Sequence[Digest]:
        return sorted({step.digest for step in self.plan.steps})

    @property
    def doomed_tags(self) -> Mapping[Tag, Digest]:
        found: dict[Tag, Digest] = {}
        for step in self.plan.steps:
            found |= dict.fromkeys(step.tags, step.digest)
        return found


async def prepare(session: DefaultSession, gone: Set[Tag], *, plain: bool = False) -> Prepared:
    """`plain`: a plan without tombstones, as for a server on which they bring nothing."""
    cache = SqliteDigestCache(None)
    snapshot = await read_repository(session, cache, needs_config=lambda _: False)
    tags = sorted(snapshot.tags)
    closed = close(snapshot, {tag: Delete((NotNeeded(),)) if tag in gone else Keep(()) for tag in tags})
    can = await session.probe()
    if plain and can.digests:
        can = msgspec.structs.replace(can, digests=msgspec.structs.replace(can.digests, cost_grows=False))
    facts = TagFacts(written_once=frozenset(tags), created=_created(tags), as_of=int(time.time()), grace=7200)
    plan = plan_closed(snapshot, closed, can, facts)
    if problems := check_plan(snapshot, plan):
        raise RuntimeError(f"not a safe plan: {problems[0]}")
    return Prepared(plan, cache)


def _created(tags: Sequence[Tag]) -> dict[Tag, int]:
    return {tag: int(tag.rpartition("-")[2]) // 1000 for tag in tags}


async def carry_out(client: Client, prepared: Prepared) -> float:
    """Seconds: the whole execution of the plan, from the journal's first record to the check after the last request."""
    with tempfile.TemporaryDirectory(dir="/tmp") as state, Journal.open(Path(state)) as journal:
        begun = time.perf_counter()
        run = await journal.begin(Plan(as_of=0, command="bench", repositories=(prepared.plan,)), "bench")
        result = await execute_plan(
            run, lambda _: client.session, prepared.cache, FileSpool(RepositoryResult, Path(state))
        )
        seconds = time.perf_counter() - begun
    if result.incomplete or result.losses or set(result.counts) != {"deleted"}:
        raise RuntimeError(f"the plan was not carried out: {result}")
    return seconds


async def delete_each(client: Client, doomed: Sequence[Digest]) -> float:
    """Seconds: every manifest by its digest and nothing else."""

    async def delete(digest: Digest) -> None:
        (outcome,) = await client.session.delete_manifests([digest])
        if not isinstance(outcome, Deleted):
            raise RuntimeError(f"{digest}: {outcome}")

    begun = time.perf_counter()
    await for_each(doomed, delete, workers=client.concurrency)
    return time.perf_counter() - begun


async def bury_and_delete(client: Client, prepared: Prepared) -> float:
    """Seconds: the tombstones of `engine.executor.tombstones` and then every doomed manifest, without any promise."""
    tombstone = make_tombstone("bench", prepared.plan.repository)
    begun = time.perf_counter()
    await client.session.push_blob(tombstone.config)

    async def overwrite(numbered: tuple[int, Tag]) -> None:
        number, tag = numbered
        await client.session.push_manifest(tag, tombstone.parts[number % len(tombstone.parts)])

    async def delete(part: RawManifest) -> None:
        await client.session.delete_manifests([part.digest])

    await for_each(enumerate(prepared.doomed_tags), overwrite, workers=client.concurrency)
    await for_each(tombstone.parts, delete, workers=client.concurrency)
    await delete_each(client, prepared.doomed)
    return time.perf_counter() - begun


_WAYS = ("ours", "promised", "bare", "unpromised")
"""With tombstones; each digest deleted by the same client with the same promises; a bare loop of deletes; tombstones
and a bare loop of deletes."""


async def measure_deleting() -> AsyncIterator[Line]:
    """In turns and back again, so that what else the machine does hits all."""
    where = f"{_DOOMED:,} of {_TAGS:,} tags"
    program = find_registry()
    if program is None:
        yield line(f"{where}, Holystone, s", None, NO_REGISTRY)
        return
    gone = {stage(number).tag for number in random.Random(1).sample(range(_TAGS), _DOOMED)}
    found: dict[str, list[float]] = {way: [] for way in _WAYS}
    for turn in range(_ROUNDS):
        for way in _WAYS if turn % 2 == 0 else reversed(_WAYS):
            with stages(program, _TAGS) as host:
                async with client(host) as one:
                    prepared = await prepare(one.session, gone, plain=way in ("promised", "bare"))
                    if way == "bare":
                        found[way].append(await delete_each(one, prepared.doomed))
                    elif way == "unpromised":
                        found[way].append(await bury_and_delete(one, prepared))
                    else:
                        found[way].append(await carry_out(one, prepared))
    setting = (
        f"docker-registry on this machine with its files on the disk, {CONCURRENCY} requests at once at most, "
        f"the same repository anew each time, median of {_ROUNDS}"
    )
    yield _seconds(
        f"{where}, Holystone, s", found["ours"], f"Journal, comparison, guard and check included; {setting}."
    )
    yield _seconds(
        f"{where}, each digest deleted with the same promises, s",
        found["promised"],
        f"The same client with the same promises (journal, comparison, guard, check) and no tombstones; {setting}.",
    )
    yield _seconds(
        f"{where}, each digest deleted, s",
        found["bare"],
        f"The same adapter and lanes, one DELETE for each doomed digest and nothing else; {setting}.",
    )
    yield _seconds(
        f"{where}, tombstones and nothing promised, s",
        found["unpromised"],
        f"What Holystone does without journal, comparison, guard and check; {setting}.",
    )
    yield _ratio(f"{where}, nothing promised, times faster than each deleted", found["bare"], found["unpromised"])
    yield _ratio(f"{where}, times faster than each deleted and promised", found["promised"], found["ours"], goal=2)
    yield _ratio(f"{where}, times faster than each digest deleted", found["bare"], found["ours"], goal=2)


def _seconds(name: str, found: Sequence[float], how: str) -> Line:
    return line(name, statistics.median(found), how)


def _ratio(name: str, theirs: Sequence[float], ours: Sequence[float], goal: float | None = None) -> Line:
    ratios = [other / own for own, other in zip(ours, theirs, strict=True)]
    shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return line(
        name, statistics.median(ratios), f"Median of the ratios of neighbours ({shown}).", goal=goal, better="higher"
    )
