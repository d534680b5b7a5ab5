"""A project's registries, for whoever wants plans and results as values."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Final, Self

import anyio.to_thread
import msgspec

from holystone.engine.errors import NOTHING_DELETED, HolystoneError, Refused
from holystone.engine.events import Listener, listening
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.notices import Notice
from holystone.engine.model.plan import Plan
from holystone.engine.model.records import RunRecord
from holystone.engine.model.references import ImageName, Reference, Repository
from holystone.engine.report.causes import refusal
from holystone.engine.scheduler import Scheduler
from holystone.engine.undo import UndoResult
from holystone.settings.in_use_lists import read_lists
from holystone.settings.places import ProjectPlaces
from holystone.settings.project import known_project
from holystone.settings.prune import PruneSettings
from holystone.settings.references import given_reference
from holystone.settings.secrets import without_secrets
from holystone.settings.values import ApplySettings, CleanupSettings, DirectSettings, KubernetesSettings
from holystone.workflows import journal, managed_images, runs
from holystone.workflows.decision import Scope
from holystone.workflows.in_use import Users
from holystone.workflows.policy_check import Checked, Question, check_policies
from holystone.workflows.prepare import prepare_plan
from holystone.workflows.prune import options_of, prepare_prune
from holystone.workflows.purge import prepare_purge
from holystone.workflows.reading import check_plan, logins_not_given, made_with
from holystone.workflows.runs import Announce, Applied, in_silence
from holystone.workflows.session import Session, open_session
from holystone.workflows.still_unused import Looked

_ANY: Final = ProjectPlaces()


class Client:
    """Plans, carries out and takes back, with settings that somebody has resolved: `Holystone` is one of options, and
    the command line makes one for each command. Nothing is printed, and nothing is asked. Every method raises
    HolystoneError."""

    def __init__(
        self,
        settings: CleanupSettings | DirectSettings | PruneSettings | ApplySettings,
        environ: Mapping[str, str],
        *,
        places: ProjectPlaces = _ANY,
        listed: tuple[UsedImage, ...] | None = None,
        listeners: tuple[Listener, ...] = (),
        again: KubernetesSettings | None = None,
    ) -> None:
        """`places`: the project whose plans and runs are taken; any, if none is given here. `listed`: what the lists in
        `settings` say, read already; None: they are read each time that they count. `again`: who is asked for plans
        that were not made here; None: as for those that are."""
        self._planning = None if isinstance(settings, ApplySettings) else settings
        carrying = settings if isinstance(settings, ApplySettings) else settings.to_apply()
        self._settings = msgspec.structs.replace(carrying, places=places, kubernetes=again or carrying.kubernetes)
        self._environ = environ
        self._listed = listed
        self._listeners = listeners
        self._stack = AsyncExitStack()
        self._session: Session | None = None
        self._looked: Looked | None = None

    async def __aenter__(self) -> Self:
        environ = without_secrets(self._environ)  # a kubeconfig's programs see them
        opened = open_session(self._settings.registry, self._settings.run, environ)
        self._session = await self._stack.enter_async_context(opened)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = self._looked = None
        await self._stack.aclose()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the options: which have no effect, which are old."""
        return self._planning.notes if self._planning else ()

    @property
    def scheduler(self) -> Scheduler:
        """What knows how many requests there were, and what they wait for."""
        return self._open.connections.scheduler

    async def plan(self, *, images: bool = True, stages: bool = True) -> Plan:
        """What `holystone cleanup` would do, or its `images` or `stages` half. Nothing is changed anywhere. What
        forbids to carry it out is in its `refusals`."""
        scope, settings, session = Scope.of(images=images, stages=stages), self._cleanup, self._open
        with listening(*self._listeners):
            plan, users, asked = await prepare_plan(
                session.connections,
                session.cache,
                settings,
                scope,
                scope.named("cleanup"),
                as_of=int(time.time()),
                listed=await self._lists(),
                memory=session.memory,
            )
            return await self._made(plan, asked, users)

    async def plan_purge(self, *, images: bool = True, stages: bool = True) -> Plan:
        """What `holystone purge` would do, or its `images` or `stages` half: no policy, no history and no cluster is
        asked. Its `refusals` ask for a confirmation; `plan.without_refusals("confirmation")` is one."""
        scope, settings, session = Scope.of(images=images, stages=stages), self._direct, self._open
        with listening(*self._listeners):
            plan = await prepare_purge(
                session.connections, session.cache, settings, scope, scope.named("purge"), as_of=int(time.time())
            )
            return await self._made(plan, plan.as_of)

    async def plan_prune(self) -> Plan:
        """What `holystone prune` would do. What was to be judged as well and could not be is in its `set_aside`."""
        settings, session = self._prune, self._open
        with listening(*self._listeners):
            plan, users, asked = await prepare_prune(
                session.connections,
                session.cache,
                settings.retention,
                settings.kubernetes,
                options_of(settings, int(time.time())),
                await self._lists(),
                session.memory,
            )
            return await self._made(plan, asked, users)

    async def check_policies(
        self, file: str, tags: tuple[Reference, ...] = (), only: tuple[Repository, ...] = ()
    ) -> Checked:
        """What `holystone prune` would do by a file of policies, and which entry has a part in it; nothing is noted of
        it. `file`: what it is called; `tags`: those of which all is to be said; `only`: the repositories that are read,
        if there are any; else all."""
        settings, session = self._prune, self._open
        with listening(*self._listeners):
            checked = await check_policies(
                session.connections,
                session.cache,
                settings.retention,
                settings.kubernetes,
                options_of(settings, int(time.time())),
                await self._lists(),
                Question(file, settings.places, tags, only),
                session.memory,
            )
            await session.settle()
            return checked

    async def plan_removal(self, images: Sequence[ImageName]) -> Plan:
        """What `holystone managed-images rm` would do."""
        settings, session = self._direct, self._open
        with listening(*self._listeners):
            plan = await managed_images.prepare_removal(
                session.connections,
                session.cache,
                settings.places,
                images,
                "managed-images rm",
                as_of=int(time.time()),
                folder=session.folder,
            )
            return await self._made(plan, plan.as_of)

    async def managed_images(self) -> tuple[ImageName, ...] | None:
        """The images that are cleaned besides those of werf.yaml, sorted; None if there is no stages storage."""
        with listening(*self._listeners):
            found = await managed_images.list_managed(self._open.connections, self._direct.places)
            await self._open.connections.settle()
            return found

    async def add_managed_image(self, image: ImageName) -> bool:
        """Makes an image a managed one, unless `dry_run` is set; False if it is one already."""
        settings, connections = self._direct, self._open.connections
        try:
            project = (await known_project(settings.project)).name
        except HolystoneError:  # it is for a label that nobody reads
            project = None
        with listening(*self._listeners):
            is_new = await managed_images.add_managed(
                connections, settings.places, image, project, dry_run=settings.run.dry_run
            )
            await connections.settle()
            return is_new

    async def check(self, plan: Plan) -> tuple[Notice, ...]:
        """Whether a plan, of a file for example, still is what was read: of this project, not of another day, of the
        same registries, and used by nobody; what a person should know of who uses images. Raises Refused. `apply` asks
        the same. Of a plan that was made or looked at here the clusters are asked again only if that was more than a
        minute ago: whoever decides at once needs no second answer, and whoever has pondered for an hour does."""
        with listening(*self._listeners):
            self._looked, notices = await check_plan(
                self._open.connections, plan, self._looked, self._settings, await self._lists()
            )
            return notices

    async def apply(self, plan: Plan, announce: Announce = in_silence) -> Applied:
        """Carries a plan out. Raises Refused for one with refusals, for what `check` refuses, and where `dry_run` is
        set. `announce` is called with the plan and the notices of `check` before anything is changed. What stopped a
        repository is in the result. Of an empty plan no run is begun."""
        self._refuse_dry_run()
        if error := refusal(plan):
            raise error
        notices = await self.check(plan)
        with listening(*self._listeners):
            return await runs.begin(self._open, self._settings.run, plan, lambda plan: announce(plan, notices))

    async def resume(self, run: str, announce: Announce = in_silence) -> Applied:
        """Carries out what is left of a run. Raises NotOpen for one that has ended, or was given up, or whose undo has
        begun; Refused for another project's, where what is left is in use by now, and where `dry_run` is set.
        `announce` as for `apply`, with the plan as it was begun."""
        self._refuse_dry_run()
        with listening(*self._listeners):
            return await runs.resume(self._open, self._settings, run, await self._lists(), announce)

    async def left_of(self, run: str) -> Plan:
        """The plan of what is left of a run. Raises as `resume`, but asks nobody what is in use."""
        return await runs.left_of(self._open, self._settings, run)

    async def undo(self, run: str, *named: str, dry_run: bool = False) -> UndoResult:
        """Puts back what a run deleted, or what is `named` of it: repositories, `REPOSITORY:TAG`, `REPOSITORY@DIGEST`.
        `dry_run` only looks what would come back. Raises Refused for another project's run, and for a part of one that
        is not finished."""
        dry_run = dry_run or self._settings.run.dry_run
        with listening(*self._listeners):
            return await runs.undo(self._open, self._settings, run, [*map(given_reference, named)], dry_run=dry_run)

    async def runs(self) -> tuple[RunRecord, ...]:
        """The runs of the journal, the newest first."""
        return await journal.list_runs(self._settings.run.state_dir)

    async def plan_of(self, run: str) -> Plan:
        """The plan of a run of the journal, as it was begun."""
        return await journal.plan_of(self._settings.run.state_dir, run)

    def logins_not_given(self, plan: Plan) -> tuple[Notice, ...]:
        """What a person should know before a plan of a file or of the journal is carried out, or taken back."""
        return logins_not_given(plan, self._settings.registry)

    async def give_up(self, run: str) -> None:
        """Ends a run for good: nobody resumes it any more, and it can be undone. Where `dry_run` is set, only looks
        whether that can be. Raises NotOpen."""
        await journal.give_up(self._settings.run.state_dir, run, dry_run=self._settings.run.dry_run)

    async def _made(self, plan: Plan, asked: float, users: Users | None = None) -> Plan:
        await self._open.settle()
        self._looked = Looked(plan.repositories, users or Users(), asked)
        return made_with(plan, self._settings) if users else plan

    async def _lists(self) -> tuple[UsedImage, ...]:
        if self._listed is not None:
            return self._listed
        return await anyio.to_thread.run_sync(partial(read_lists, self._settings.in_use))

    def _refuse_dry_run(self) -> None:
        if self._settings.run.dry_run:
            raise Refused("Only a dry run is asked for, by option or variable.", not_deleted=NOTHING_DELETED)

    @property
    def _cleanup(self) -> CleanupSettings:
        if not isinstance(self._planning, CleanupSettings):
            raise RuntimeError("made of settings that are no cleanup's")
        return self._planning

    @property
    def _prune(self) -> PruneSettings:
        if not isinstance(self._planning, PruneSettings):
            raise RuntimeError("made of settings without retention policies")
        return self._planning

    @property
    def _direct(self) -> DirectSettings:
        match self._planning:
            case DirectSettings():
                return self._planning
            case CleanupSettings():
                return self._planning.direct()
            case _:
                raise RuntimeError("made of settings without a project")

    @property
    def _open(self) -> Session:
        if self._session is None:
            raise RuntimeError("used outside of its `async with`")
        return self._session
