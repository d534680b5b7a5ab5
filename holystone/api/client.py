"""A project's registries, for a program that wants plans and results instead of words."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import anyio.to_thread

from holystone.adapters.state.sqlite import Journal, SqliteBaselines
from holystone.engine.errors import NOTHING_DELETED, HolystoneError, Refused, UsageError
from holystone.engine.events import Listener, listening
from holystone.engine.executor.results import RunResult
from holystone.engine.executor.step_states import remaining
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.records import RunRecord
from holystone.engine.ports import Run
from holystone.engine.report.causes import refusal
from holystone.engine.undo import UndoResult
from holystone.settings.in_use_lists import read_lists
from holystone.settings.resolve import resolve, resolve_apply
from holystone.settings.secrets import without_secrets
from holystone.settings.tables import CLEANUP_OPTIONS
from holystone.settings.values import DAY
from holystone.workflows.carry_out import carry_out, take_back
from holystone.workflows.decision import Scope
from holystone.workflows.prepare import prepare_plan
from holystone.workflows.session import Session, open_session
from holystone.workflows.still_unused import refuse_what_is_used


@dataclass(frozen=True, slots=True)
class Applied:
    run: str
    """For `resume` and `undo`."""
    result: RunResult
    notes: tuple[str, ...] = ()
    """E.g. that later runs will have nothing to be held against."""


class Holystone:
    """`async with Holystone(images_repo=…, stages_storage=…, dir=…) as holystone:`

    `options` are those of `holystone cleanup`, with `_` for `-`: text, True or False, or a sequence of texts for what
    may be repeated. `environ` has the variables, which count where an option is silent; the process's own if it is not
    given. `listener` is told of every event. Nothing is printed, and nothing is asked. Every method raises
    HolystoneError, UsageError among them for what the options say.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        listener: Listener | None = None,
        **options: str | bool | Sequence[str] | None,
    ) -> None:
        if unknown := sorted(options.keys() - {option.key for option in CLEANUP_OPTIONS}):
            raise UsageError(f"There is no option {', '.join(unknown)}.")
        given = {name: _as_typed(value) for name, value in options.items()}
        variables = os.environ if environ is None else environ
        self._settings = resolve(given, variables)
        self._environ = variables
        self._places = resolve_apply(given, variables, "holystone.api").places
        self._listeners = (listener,) if listener else ()
        self._stack = AsyncExitStack()
        self._session: Session | None = None

    async def __aenter__(self) -> Self:
        environ = without_secrets(self._environ)  # a kubeconfig's programs see them
        opened = open_session(self._settings.registry, self._settings.run, environ)
        self._session = await self._stack.enter_async_context(opened)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None
        await self._stack.aclose()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the options: which have no effect, which are old."""
        return self._settings.notes

    async def plan(self, *, images: bool = True, stages: bool = True) -> Plan:
        """What `holystone cleanup` would do, or its `images` or `stages` half. Nothing is changed anywhere. What
        forbids to carry it out is in its `refusals`."""
        if not (images or stages):
            raise UsageError("A plan is of images or stages, or of both.")
        session, scope = self._open, Scope(images, stages)
        listed = await anyio.to_thread.run_sync(partial(read_lists, self._settings.in_use))
        with listening(*self._listeners):
            plan = await prepare_plan(
                session.connections,
                session.cache,
                self._settings,
                scope,
                scope.named("cleanup"),
                as_of=int(time.time()),
                listed=listed,
            )
            await session.connections.settle()
            return plan

    async def apply(self, plan: Plan) -> Applied:
        """Carries a plan out. Raises Refused for one with refusals, of another project or another day, where what it
        takes away is in use by now, and where `dry_run` is set. What stopped a repository is in the result."""
        self._refuse_dry_run()
        if error := refusal(plan):
            raise error
        if plan.repositories:
            self._refuse_another_projects(plan, "The plan")
        if not -DAY <= plan.as_of - time.time() <= DAY:
            raise Refused(
                "The plan is of another day: what is there, and what is wanted, may be another by now.",
                not_deleted=NOTHING_DELETED,
                what_to_do="Make a new one.",
            )
        with listening(*self._listeners), self._journal() as journal:
            await self._refuse_what_is_used(plan)
            return await self._carry_out(await journal.begin(plan, plan.command))

    async def resume(self, run: str) -> Applied:
        """What is left of a run. Raises Refused for one that is not open (it has ended, or was given up, or its undo
        has begun), for another project's, where what is left is in use by now, and where `dry_run` is set."""
        self._refuse_dry_run()
        with listening(*self._listeners), self._journal() as journal:
            taken = await self._load(journal, run)
            if taken.record.state != "open":
                raise Refused(f"Run {run} is {taken.record.state}, not open.", not_deleted=NOTHING_DELETED)
            left = self._open.spool(RepositoryPlan)
            await self._refuse_what_is_used(await remaining(taken.plan, partial(journal.recorded, run), left))
            return await self._carry_out(taken)

    async def undo(self, run: str, *, dry_run: bool = False) -> UndoResult:
        """Puts back what a run deleted; `dry_run` only looks what would come back. Raises Refused for another
        project's run."""
        with listening(*self._listeners), self._journal() as journal:
            return await take_back(
                self._open,
                await self._load(journal, run),
                lock_in_registry=self._settings.run.lock_in_registry,
                dry_run=dry_run or self._settings.run.dry_run,
            )

    async def runs(self) -> tuple[RunRecord, ...]:
        """The runs of the journal, the newest first."""
        with self._journal() as journal:
            return await journal.runs()

    async def _load(self, journal: Journal, run: str) -> Run:
        taken = await journal.load(run)
        self._refuse_another_projects(taken.plan, f"Run {run}")
        return taken

    def _refuse_another_projects(self, plan: Plan, what: str) -> None:
        """What the options say of this project's registries, and their logins, is not for another's."""
        if not self._places.has(plan):
            raise Refused(f"{what} is another project's.", not_deleted=NOTHING_DELETED)

    def _refuse_dry_run(self) -> None:
        if self._settings.run.dry_run:
            raise Refused("Only a dry run is asked for, by option or variable.", not_deleted=NOTHING_DELETED)

    async def _refuse_what_is_used(self, plan: Plan) -> None:
        listed = await anyio.to_thread.run_sync(partial(read_lists, self._settings.in_use))
        await refuse_what_is_used(
            self._open.connections, plan, self._settings.kubernetes, listed, what_to_do="Make a new plan."
        )

    async def _carry_out(self, run: Run) -> Applied:
        lock = self._settings.run.lock_in_registry
        result = await carry_out(self._open, run, lock_in_registry=lock)
        notes: tuple[str, ...] = ()
        if not (result.incomplete or result.losses):
            baselines = SqliteBaselines(self._settings.run.state_dir)
            try:
                await baselines.remember(run.plan.counted, run.plan.as_of, run.id)
            except HolystoneError as error:  # no failure of this run
                notes = (error.message,)
        return Applied(run.id, result, notes)

    def _journal(self) -> Journal:
        return Journal.open(self._settings.run.state_dir)

    @property
    def _open(self) -> Session:
        if self._session is None:
            raise RuntimeError("used outside of its `async with`")
        return self._session


def _as_typed(value: str | bool | Sequence[str] | None) -> str | tuple[str, ...] | None:
    """A value as it would be typed on the command line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | None:
            return value
        case _:
            return tuple(value)
