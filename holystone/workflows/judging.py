"""Repositories that policies are about: each is read, judged, planned and forgotten, several at once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

import msgspec

from holystone.adapters.http.dates import Reading
from holystone.adapters.registries.connections import Connections
from holystone.engine.errors import Doubtful, HolystoneError, Unreachable, Unseen, UsageError
from holystone.engine.inventory.provenance import add_provenance
from holystone.engine.inventory.snapshot import add_configs
from holystone.engine.model.addresses import Address
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.notices import Notice
from holystone.engine.model.reasons import NotJudged
from holystone.engine.model.references import RegistryHost, Repository, Tag
from holystone.engine.model.selection_notices import LooksLikeProject
from holystone.engine.model.set_aside import SetAside
from holystone.engine.model.verdicts import Keep
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planning import Judged, Where, plan_repository
from holystone.engine.ports import DigestCache, RepositorySession, Sightings, TagMemory
from holystone.engine.scheduler import for_each
from holystone.policies.retention.candidates import Candidates, Facts
from holystone.policies.retention.judgement import Judgement
from holystone.policies.retention.reach import Reach, reach, reaches
from holystone.policies.retention.rules import Policy, RetentionFile
from holystone.policies.werf.v1 import kind_of
from holystone.settings.values import KubernetesSettings
from holystone.workflows.aside import GatheredProject, failure_of, shrunk_aside
from holystone.workflows.baselines import hold_against_last
from holystone.workflows.broken import broken_notices
from holystone.workflows.clock import WrongClock, check_clock
from holystone.workflows.clones import Clones
from holystone.workflows.gathered import Gathered, OfPolicy, PruneOptions, Seen
from holystone.workflows.in_use import find_users, read_in_use
from holystone.workflows.inventory import REPOSITORIES_AT_ONCE
from holystone.workflows.look import look
from holystone.workflows.notices import repository_notices
from holystone.workflows.prepare import Prepared
from holystone.workflows.projects import plan_projects
from holystone.workflows.repositories import Claimed, Selection, claimed_repositories
from holystone.workflows.rested import tags_to_date
from holystone.workflows.retention_reading import reading_of
from holystone.workflows.users import UsersByRepository

_REGISTRIES_AT_ONCE: Final = 8
_CONFIG: Final = "`projects` in the file of policies"
_GRACE: Final = 2 * 60 * 60
"""Seconds in which a tag may still be in the middle of a push or a move, so that nothing is pushed over it."""
Judge: TypeAlias = Callable[[Policy, Candidates, Facts], Judgement]


class JudgedRepositories(msgspec.Struct, frozen=True):
    prepared: Prepared
    policies: Mapping[str, OfPolicy]
    """What came of each, by its name."""
    projects: Sequence[GatheredProject]
    """Those that were planned."""


async def judge_repositories(
    connections: Connections,
    cache: DigestCache,
    retention: RetentionFile,
    kubernetes: KubernetesSettings,
    options: PruneOptions,
    listed: Collection[UsedImage],
    sightings: Sightings,
    judge: Judge,
    memory: TagMemory,
) -> JudgedRepositories:
    """`listed`: images that the user says are in use; `memory`: where tags pointed to that need not be looked at again,
    unless something goes by it. What cannot be read, or must not be touched, is set aside, and the rest planned. Raises
    HolystoneError for what all of it depends on, and UsageError where all registries are as wrong and no project is
    left; nothing is changed anywhere."""
    users = await find_users(kubernetes, listed, connections.environ)
    in_use = await read_in_use(users, connections.environ)
    clones = Clones(retention.clones, options.as_of, synchronize=options.synchronize)
    by_repository = UsersByRepository(in_use)
    used = by_repository.by_registry if users.clusters or users.listed else None
    made = Gathered(options, retention.policies, in_use.notices, used)
    reader = _Reader(connections, cache, memory, options, by_repository, clones, sightings, judge, made)
    asked = bool(users.clusters or users.listed)
    await plan_projects(connections, cache, memory, retention, options, in_use, made, users_asked=asked)
    selection = Selection(retention.policies, retention.projects)
    patterns = (pattern.text for policy in retention.policies for pattern in policy.repositories)
    registries = reaches(patterns, retention.registries)
    unusable: dict[RegistryHost, UsageError] = {}

    async def registry(at: tuple[RegistryHost, Sequence[Reach]]) -> None:
        host, parts = at
        said = retention.registries.get(host)
        implementation = said.implementation if said else None
        unseen: dict[Reach, Unseen] = {}
        claimed = claimed_repositories(connections, parts, implementation, selection, unseen)
        try:
            await for_each(claimed, partial(reader.plan, implementation), workers=REPOSITORIES_AT_ONCE)
            await connections.settle(host)
            for part, error in unseen.items():
                made.set_aside(_unseen(part, error), [each for each in retention.policies if _reaches_into(part, each)])
        except HolystoneError as error:
            if isinstance(error, UsageError):  # to which what a registry says of itself may lead, too
                unusable[host] = error
            made.set_aside(SetAside(host, None, (failure_of(error),)))

    await for_each(registries.items(), registry, workers=_REGISTRIES_AT_ONCE)
    if unusable and len(unusable) == len(registries) and not made.projects:
        raise unusable[min(unusable)]
    said = connections.dates.nearest
    if options.allow_clock_skew or not any(said.values()):
        made.notices += check_clock(said, None, options.as_of, allow_skew=True)
    made.notices += (*selection.notices(made.projects), *clones.notices())
    plan = await hold_against_last(made.plan(), options.state_dir, accepted=options.accept_new_baseline)
    plan = msgspec.structs.replace(shrunk_aside(plan, made.projects, options.folder), clusters=users.asked)
    return JudgedRepositories(Prepared(plan, users, in_use.moment), made.policies, made.projects)


def _unseen(part: Reach, error: Unseen) -> SetAside:
    """Only that part of a registry: what it has elsewhere it shows."""
    return SetAside(part.host, Repository(part.host, part.prefix) if part.prefix else None, (failure_of(error),))


def _reaches_into(part: Reach, policy: Policy) -> bool:
    return any((at := reach(each.text)) is None or part.covers(at) for each in policy.repositories)


class _Reader:
    def __init__(
        self,
        connections: Connections,
        cache: DigestCache,
        memory: TagMemory,
        options: PruneOptions,
        users: UsersByRepository,
        clones: Clones,
        sightings: Sightings,
        judge: Judge,
        made: Gathered,
    ) -> None:
        self._connections = connections
        self._cache = cache
        self._memory = memory
        self._options = options
        self._users = users
        self._clones = clones
        self._sightings = sightings
        self._judge = judge
        self._made = made

    async def plan(self, implementation: str | None, claimed: Claimed) -> None:
        """Raises what concerns the whole registry, or the command line."""
        at = claimed.repository
        seen: list[Seen] = []

        async def judged(snapshot: RepositorySnapshot) -> Judged:
            attested = [tag for tag in snapshot.tags if reading.needs_provenance(tag)]
            snapshot = await add_provenance(session, self._cache, snapshot, attested)
            seen.append(await self._look(session, claimed.policy, snapshot))
            return seen[-1].judged

        reading = reading_of(claimed.policy)
        try:
            self._users.refuse_unfilled(at)
            found = await self._connections.identify(Address(at.host, at.path), implementation)
            async with self._connections.turn(at, found.implementation, "images", found.detected_by) as session:
                planned = await plan_repository(
                    session,
                    self._cache,
                    judged,
                    Where("images", found.detected_by),
                    needs_config=reading.needs_config,
                    contents=reading.contents,
                    wanted=reading.wanted,
                    memory=self._memory,
                    is_only_shown=self._options.is_only_shown,
                    fuse=self._options.fuse,
                    now=self._connections.dates.now(at.host),
                )
            self._users.refuse_doomed(planned.plan)
        except (Unreachable, Doubtful, UsageError, WrongClock):
            raise
        except HolystoneError as error:
            self._made.set_aside(SetAside(at.host, at, (failure_of(error),)), [claimed.policy])
            return
        self._made.add(claimed.policy, planned, seen[-1])

    def _check_clock(self, host: RegistryHost) -> None:
        """Before anything is judged by its age, or noted as seen. One registry's wrong clock stops no other; ours stops
        all. Raises WrongClock."""
        said = self._connections.dates.nearest
        own: Mapping[str, Reading | None] = {host: reading} if (reading := said.get(host)) else said
        check_clock(own, None, self._options.as_of, allow_skew=self._options.allow_clock_skew)

    async def _look(self, session: RepositorySession, policy: Policy, snapshot: RepositorySnapshot) -> Seen:
        notices: list[Notice] = [*repository_notices([snapshot]), *broken_notices([snapshot])]
        if record := min((tag for tag in snapshot.names if kind_of(tag) in ("bookkeeping", "metadata")), default=None):
            notices.append(LooksLikeProject(snapshot.repository, record, _CONFIG))
            nothing = Judged(dict.fromkeys(snapshot.names, Keep((NotJudged(),))), TagFacts())
            return Seen(nothing, snapshot, tuple(notices))
        self._check_clock(snapshot.repository.host)
        judgement, pushed = await self._judged(session, policy, snapshot)
        if undated := tags_to_date(snapshot, judgement.verdicts, pushed, await session.probe()):
            # No rule asked when, and their registry does.
            snapshot = await add_configs(session, self._cache, snapshot, undated)
            judgement, pushed = await self._judged(session, policy, snapshot)
        tag_facts = TagFacts(created=pushed, as_of=self._options.as_of, grace=_GRACE)
        judged = Judged(judgement.verdicts, tag_facts, judgement.loose)
        references = self._clones.references(policy)
        return Seen(judged, snapshot, (*notices, *judgement.notices), judgement, references)

    async def _judged(
        self, session: RepositorySession, policy: Policy, snapshot: RepositorySnapshot
    ) -> tuple[Judgement, Mapping[Tag, int]]:
        """What is judged, and when tags were pushed as far as that is known, in Unix seconds."""
        now = self._options.as_of
        candidates = await look(session, snapshot, policy, self._sightings, now, used=self._users.digests)
        clones, used = await self._clones.facts(policy, candidates), await self._users.of(session, snapshot)
        facts = msgspec.structs.replace(clones, now=now, in_use=used)
        pushed = {each.tag: each.pushed.seconds for each in candidates.tags if each.pushed}
        return self._judge(policy, candidates, facts), pushed
