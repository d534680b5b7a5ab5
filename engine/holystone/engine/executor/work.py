"""What the passes over one repository share."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Final, TypeVar

import anyio

from holystone.engine.errors import DeletionDisabled, HolystoneError, RegistryFailure, TooLate
from holystone.engine.events import about, tell
from holystone.engine.executor.breakers import Breaks, Rights
from holystone.engine.executor.budget import Budget
from holystone.engine.executor.step_states import StepStates
from holystone.engine.executor.tag_resolver import TagResolver, look_again, written_once
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.events import Step
from holystone.engine.model.manifests import Manifest, RawManifest
from holystone.engine.model.outcomes import Deleted, Failed, Late, Outcome, kind_of
from holystone.engine.model.plan import How, RepositoryPlan, StepId
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import DigestCache, RepositoryJournal, RepositorySession
from holystone.engine.scheduler import FRESH, ROUNDS, for_each, in_batches, moment, sent_within

T = TypeVar("T")
R = TypeVar("R", Tag, Digest)
WORKERS: Final = 64
"""Requests that are prepared at once; how many are really sent is the lane's decision."""
_INSIDE: Final[ContextVar[bool]] = ContextVar("inside", default=False)
"""Something is done for an item of `RepositoryWork.each`."""


class RepositoryWork:
    def __init__(
        self,
        plan: RepositoryPlan,
        session: RepositorySession,
        cache: DigestCache,
        capabilities: Capabilities,
        journal: RepositoryJournal,
        states: StepStates,
        *,
        manifests: Mapping[Digest, Manifest | None],
        unreadable: Mapping[Digest, str],
        budget: Budget | None = None,
    ) -> None:
        self.plan = plan
        self.session = session
        self.cache = cache
        self.capabilities = capabilities
        tags = len(plan.kept) + len(states.doomed_tags)
        self.resolver = TagResolver(session, capabilities, states, tags=tags)
        self.journal = journal
        self.states = states
        self.manifests = manifests
        """Those whose bytes are in the journal; None for bytes that cannot be understood."""
        self.unreadable = unreadable
        """Manifests that the registry has and does not give, with its error."""
        self.dropped: dict[How, Digest] = {}
        """Manifests that stay and went with their last tag, the first of each kind of taking it away."""
        self.mended: dict[Digest, Tag] = {}
        """Those that were pushed back, with that tag."""
        self.written_once = written_once(plan)
        self.kept_on = _kept_on(plan)
        """Tags that stay, by what they are on, without those that were seen elsewhere. Nothing on which is one that is
        written once."""
        self.looking_for: defaultdict[Digest, anyio.Lock] = defaultdict(anyio.Lock)
        """One of them, by what it should be on."""
        self.contradicted = False
        """A tag was seen elsewhere than planned: from then on nothing that was read for the plan stands for a look."""
        self.elsewhere: set[Tag] = set()
        """Tags that stay, and were seen on another manifest than planned."""
        self._planned = {**{each.tag: each.digest for each in plan.kept}, **states.doomed_tags}
        self.rights = Rights(session)
        self._budget = budget or Budget()
        self._begun = False
        self._cause: HolystoneError | None = None
        self._breaks = Breaks()

    def __repr__(self) -> str:
        stopped = ", stopped" if self._cause else ""
        return f"<RepositoryWork {self.repository} {len(self.states.due)} of {len(self.states.steps)} due{stopped}>"

    @property
    def repository(self) -> Repository:
        return self.plan.repository

    async def raw(self, digest: Digest) -> RawManifest:
        """One whose bytes are in the journal. Raises RegistryFailure if they are not."""
        raw = await self.cache.manifest(digest) or await self.journal.manifest(digest)
        if raw is None:
            raise RegistryFailure(f"{self.repository}: the bytes of manifest {digest.short} are not known.")
        return raw

    def expected(self, tag: Tag) -> frozenset[Digest]:
        """Where the tag may point without contradicting the plan: as planned, or to this run's tombstone."""
        tombstone = self.journal.known.tombstone
        parts = (part.digest for part in tombstone.parts) if tombstone else ()
        planned = self._planned.get(tag)
        return frozenset((*parts, planned) if planned else parts)

    async def look_again(self, tag: Tag) -> Digest | None:
        """Where a tag points that was seen elsewhere than expected; raises as `tag_resolver.look_again`."""
        self.contradicted = True
        self.resolver.doubt()
        once = tag in self.written_once
        return await look_again(self.session, self.plan, tag, self.expected(tag), once=once)

    async def settle(self, outcomes: Mapping[StepId, Outcome], *, held: bool = False) -> None:
        """Notes what came of steps; it is on the disk when this returns. Raises RegistryFailure if a right is missing
        for all; see `rights`."""
        if not outcomes:
            return
        await self.journal.record(outcomes)
        self.states.settle(outcomes, held=held)
        done, steps = len(self.states.outcomes), self.states.steps
        for step_id, outcome in outcomes.items():
            step = steps[step_id]
            tell(Step(self.repository, step.digest, step.tags, kind_of(outcome), done, len(steps)))
        await self.rights.seen(outcomes.values())

    def end_if_spent(self, step_ids: Iterable[StepId]) -> None:
        """Raises BudgetSpent if some of these steps were not begun: what comes after them waits for them."""
        if not self.states.due.isdisjoint(step_ids):
            self._budget.ask()

    async def each(self, items: Iterable[T], act: Callable[[T], Awaitable[object]]) -> None:
        """Runs `act` on every item, many at once. After the first HolystoneError nothing new is begun, but what is on
        its way ends and is recorded; then the error is raised."""
        every = list(items)
        inside, left = _INSIDE.get(), len(every)

        async def one(item: T) -> None:
            nonlocal left
            if self._cause is None:
                outside = _INSIDE.set(True)
                try:
                    await act(item)
                except HolystoneError as error:
                    self._cause = self._cause or error
                finally:
                    _INSIDE.reset(outside)
            left -= 1
            if left or not inside:
                self._breaks.expect(-1)

        # The parts of an item take its place, and the last one gives it back: none waits for what waits for itself.
        self._breaks.expect(left - 1 if inside and left else left)
        if len(every) == 1:  # spares a task group for each single deletion
            await one(every[0])
        elif every:
            await for_each(every, one, workers=WORKERS)
        if self._cause is not None:
            raise self._cause

    async def begin_each(self, items: Iterable[T], act: Callable[[T], Awaitable[object]]) -> None:
        """Runs `act` as `each` does, as long as the budget lasts: `end_if_spent` finds what is left. The first item is
        always begun, so that each attempt gets somewhere, however much it takes to come as far as this."""

        async def one(item: T) -> None:
            if self._begun and self._budget.spent():
                return
            self._begun = True
            with self._budget.in_hand():
                await act(item)

        await self.each(items, one)

    async def delete(
        self,
        items: Sequence[R],
        request: Callable[[Sequence[R]], Awaitable[Sequence[Outcome]]],
        still: Callable[[R], Awaitable[Outcome | None]],
        *,
        looked: float | None = None,
    ) -> Sequence[Outcome]:
        """One outcome per item, each of which was looked at before, the first of them when `looked` says (by
        `moment`; just now if it does not). What cannot be sent while that is fresh is looked at again
        (`still`: None if it may go) and sent by itself: of many, the first would be old before the last is seen. Only
        what concerns the whole repository is raised; if something has gone by then, `each` does that around this, once
        it is recorded."""
        if not items:
            return []
        outcomes = dict(zip(items, await self._send(items, request, looked), strict=True))

        async def again(item: R) -> None:
            for _ in range(ROUNDS - 1):
                looked = moment()
                if problem := await still(item):
                    outcomes[item] = problem
                    return
                (outcomes[item],) = await self._send([item], request, looked)
                if not isinstance(outcomes[item], Late):
                    return

        try:
            await self.each([item for item in items if isinstance(outcomes[item], Late)], again)
        except HolystoneError:
            if not _INSIDE.get() or all(isinstance(outcome, Late) for outcome in outcomes.values()):
                raise
        return [Failed(each.error) if isinstance(each, Late) else each for each in outcomes.values()]

    async def _send(
        self,
        items: Sequence[R],
        request: Callable[[Sequence[R]], Awaitable[Sequence[Outcome]]],
        looked: float | None,
    ) -> Sequence[Outcome]:
        """A request that fails as a whole has failed for each of its items, unless it is seen to be gone: an error
        after a deletion says little."""

        async def send() -> Sequence[Outcome]:
            with (
                about(**_named(items)),
                sent_within(FRESH - (moment() - looked if looked is not None else 0.0)),
            ):
                return await request(items)

        try:
            answer = await self._breaks.run(send, lambda: self._answers(items[0]))
            outcomes = [Failed(answer)] * len(items) if isinstance(answer, str) else answer
        except DeletionDisabled:
            raise
        except RegistryFailure as error:
            failed = Late if isinstance(error, TooLate) else Failed
            outcomes = [failed(str(error))] * len(items)
        if len(outcomes) != len(items):
            raise RegistryFailure(f"{self.repository}: {len(outcomes)} answers to {len(items)} deletions.")
        if not any(isinstance(outcome, Failed) for outcome in outcomes):
            return outcomes
        return [
            Deleted() if isinstance(outcome, Failed) and await self._is_gone(item) else outcome
            for item, outcome in zip(items, outcomes, strict=True)
        ]

    async def _is_gone(self, item: Tag | Digest) -> bool:
        try:
            return await self.is_absent(item)
        except HolystoneError:
            return False

    async def _answers(self, item: Tag | Digest) -> bool:
        try:
            await self.session.resolve(item, alone=True)
        except HolystoneError:
            return False
        return True

    async def is_absent(self, reference: Tag | Digest) -> bool:
        """Whether two looks say so, the second over a connection of its own: one 404 may be anybody's."""
        for alone in (False, True):
            if await self.session.resolve(reference, alone=alone) is not None:
                return False
        return True

    def batches(self, items: Iterable[T]) -> Iterable[Sequence[T]]:
        """The items in batches of as many as one delete request takes."""
        return in_batches(items, self.capabilities.bulk)


def _named(items: Sequence[Tag | Digest]) -> dict[str, object]:
    """What a request is for, in a log line."""
    what = "manifest" if isinstance(items[0], Digest) else "tag"
    return {what: items[0]} if len(items) == 1 else {f"{what}s": len(items)}


def _kept_on(plan: RepositoryPlan) -> dict[Digest, list[Tag]]:
    found: defaultdict[Digest, list[Tag]] = defaultdict(list)
    for each in plan.kept:
        if each.digest:
            found[each.digest].append(each.tag)
    for each in plan.kept:
        if each.digest and each.written_once:
            found.pop(each.digest, None)
    return dict(found)
