"""Everything that the contract suite runs against: an emulator of each registry, and real servers."""

import base64
import importlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, cast
from urllib.parse import urlsplit

import anyio
import msgspec
import pytest

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.detection import Detected
from holystone.adapters.registries.implementations import IMPLEMENTATIONS, VENDORS
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.profile import Profile
from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.executor import RunResult, execute_plan
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.addresses import Address
from holystone.engine.model.delete_reasons import NotNeeded
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.plan import Plan
from holystone.engine.model.reasons import NotAsked
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdict
from holystone.engine.planner.facts import TagFacts
from holystone.engine.ports import Registry, RepositorySession
from holystone.engine.scheduler import Limits
from holystone.engine.undo import UndoResult, undo_run
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from holystone.workflows.decision import Decision
from holystone.workflows.inventory import RepositoryTarget
from holystone.workflows.planning import PlanningOptions, make_plan
from tests.emulators.vendor import Login, VendorEmulator
from tests.real.processes import Running
from tests.real.servers import QUICK, SERVERS, Server, Types
from tests.support import images
from tests.support.spools import FOLDER, results, undone

EMULATORS: Final = {name: f"tests.emulators.{name}:EMULATOR" for name in IMPLEMENTATIONS}
OTHERS: Final = {
    "zot": "tests.emulators.default:ZotEmulator",
    "gitea": "tests.emulators.default:GiteaEmulator",
    "oci": "tests.emulators.default:OtherEmulator",
    "copying": "tests.emulators.default:CopyingEmulator",
    "dangling": "tests.emulators.default:DanglingEmulator",
}
"""Cleaned as `default`, each with ways of its own; `oci` is one of which nothing is known; `copying` and `dangling`
leave the tags of what is deleted by digest."""
NAMES: Final = (*EMULATORS, *QUICK)
State: TypeAlias = tuple[dict[str, str], set[str]]
"""Tags with their digests, and manifests."""


def emulator(name: str) -> VendorEmulator:
    module, _, type_name = {**EMULATORS, **OTHERS}[name].partition(":")
    made = getattr(importlib.import_module(module), type_name)()
    assert isinstance(made, VendorEmulator)
    return made


@dataclass
class Stand:
    name: str
    host: RegistryHost
    path: RepositoryPath
    folder: Path
    emulator: VendorEmulator | None
    """None: a real server."""
    connections: Connections
    session: RepositorySession
    login: Login
    identity: Detected
    """What the registry is taken for."""
    pages: bool = True
    """A listing comes in pages."""
    types: Types = "docker"
    """Of images."""
    absent_is_empty: bool = False
    """A repository that nobody ever pushed to is listed, without tags."""

    @property
    def repository(self) -> Repository:
        return Repository(self.host, self.path)

    @property
    def profile(self) -> Profile:
        return VENDORS[self.identity.implementation].profile

    @property
    def all(self) -> Registry:
        """The registry that the repository is one of."""
        assert isinstance(self.session, OciSession)
        return cast("Registry", self.session.registry)

    @property
    def nests(self) -> bool:
        """It takes indexes that list indexes."""
        return self.emulator is None or self.emulator.quirks.nested_indexes

    async def image(
        self, text: str, *tags: str, subject: RawManifest | None = None, config: bytes | None = None
    ) -> RawManifest:
        """`config`: instead of one with this text."""
        config = config or images.config(text)
        await self._blob(config)
        return await self.manifest(images.image(config, subject=subject, oci=self.types == "oci"), *tags)

    async def many_images(self, texts: Mapping[str, str]) -> dict[str, RawManifest]:
        """One for each tag, of its text. Many at once: what is waited for on a real server adds up."""
        tags: defaultdict[str, list[str]] = defaultdict(list)
        for tag, text in texts.items():
            tags[text].append(tag)
        turn = anyio.CapacityLimiter(16)
        pushed: dict[str, RawManifest] = {}

        async def push(text: str) -> None:
            async with turn:
                raw = await self.image(text, *tags[text])
            pushed.update(dict.fromkeys(tags[text], raw))

        async with anyio.create_task_group() as group:
            for text in tags:
                group.start_soon(push, text)
        return pushed

    async def signature(self, text: str, *tags: str) -> RawManifest:
        config = images.config(text)
        await self._blob(config)
        return await self.manifest(images.signature(config), *tags)

    async def index(self, children: tuple[RawManifest, ...], *tags: str) -> RawManifest:
        return await self.manifest(images.index(*children), *tags)

    async def manifest(self, raw: RawManifest, *tags: str) -> RawManifest:
        for tag in tags or (None,):
            if self.emulator:
                self.emulator.storage.put_manifest(self.path, raw.body, raw.media_type, tag)
            else:
                await self.session.push_manifest(Tag(tag) if tag else raw.digest, raw)
        return raw

    async def elsewhere(self, path: str, text: str = "one") -> None:
        """An image in another repository."""
        config = images.config(text)
        raw = images.image(config, oci=self.types == "oci")
        if self.emulator:
            self.emulator.storage.put_blob(path, config)
            self.emulator.storage.put_manifest(path, raw.body, raw.media_type, "v1")
            return
        other = Repository(self.host, RepositoryPath(path))
        session = await self.connections.session(
            other, self.identity.implementation, detected_by=self.identity.detected_by
        )
        await session.push_blob(config)
        await session.push_manifest(Tag("v1"), raw)

    async def move(self, tag: str, raw: RawManifest) -> None:
        """As somebody else does it in the meantime."""
        await self.manifest(raw, tag)

    async def state(self, *known: Digest) -> State:
        """`known`: manifests to look for where the registry cannot list what has no tag."""
        if self.emulator:
            there = self.emulator.storage.repositories[self.path]
            return {tag: str(digest) for tag, digest in there.tags.items()}, set(map(str, there.manifests))
        tags = {}
        for tag in (await self.session.list_tags()).tags:
            if digest := await self.session.resolve(tag):
                tags[str(tag)] = str(digest)
        found = {str(digest) for digest in known if await self.session.resolve(digest)}
        return tags, found | set(tags.values())

    async def plan(
        self, doomed: set[str], cache: SqliteDigestCache | None = None, *, labels: bool = False
    ) -> tuple[RepositorySnapshot, Plan]:
        """`labels`: configurations are read too, as werf's policies need them."""
        known = cache or SqliteDigestCache(None)
        snapshot = await read_repository(self.session, known, needs_config=lambda _: labels)
        verdicts: dict[Tag, Verdict] = {
            tag: Delete((NotNeeded(),)) if tag in doomed else Keep((NotAsked(),)) for tag in snapshot.tags
        }
        decision = Decision(
            verdicts={self.repository: verdicts}, facts={self.repository: TagFacts()}, notices=(), refusals=()
        )
        located = RepositoryTarget(self.repository, self.identity.implementation, "images", self.identity.detected_by)
        plan = await make_plan(
            self.connections,
            known,
            decision,
            {self.repository: snapshot},
            {self.repository: located},
            PlanningOptions("contract", 0, None, FOLDER),
        )
        return snapshot, plan

    async def apply(self, plan: Plan, cache: SqliteDigestCache | None = None) -> RunResult:
        with Journal.open(self.folder / "state") as journal:
            run = await journal.begin(plan, "contract")
            return await execute_plan(run, lambda _: self.session, cache or SqliteDigestCache(None), results())

    async def resume(self) -> RunResult:
        """The only run, with nothing known."""
        with Journal.open(self.folder / "state") as journal:
            (record,) = await journal.runs()
            run = await journal.load(record.id)
            return await execute_plan(run, lambda _: self.session, SqliteDigestCache(None), results())

    async def undo(self) -> UndoResult:
        """Of the only run."""
        with Journal.open(self.folder / "state") as journal:
            (record,) = await journal.runs()
            run = await journal.load(record.id)
            return await undo_run(run, lambda _: self.session, SqliteDigestCache(None), undone())

    async def clean(self, doomed: set[str]) -> tuple[Plan, RunResult]:
        cache = SqliteDigestCache(None)
        _, plan = await self.plan(doomed, cache)
        return plan, await self.apply(plan, cache)

    async def _blob(self, body: bytes) -> None:
        if self.emulator:
            self.emulator.storage.put_blob(self.path, body)
        else:
            await self.session.push_blob(body)


@asynccontextmanager
async def stand(name: str, folder: Path, *, login: str = "login") -> AsyncIterator[Stand]:
    """`login`: which of the emulator's methods says how to log in."""
    if server := SERVERS.get(name) if name not in EMULATORS | OTHERS else None:
        if server.absent:
            pytest.skip(server.absent)
        with server.running(folder) as running:
            async with real_stand(server, running, folder, RepositoryPath("team/app")) as real:
                yield real
        return
    async with emulator(name) as served:
        log_in: Login = getattr(served, login)()
        environ = {**served.environ, **log_in.environ}
        async with _connected(folder, served.implementation, log_in, environ) as connections:
            host, path = RegistryHost.parse(served.host), RepositoryPath(served.path)
            session = await connections.session(Repository(host, path), served.implementation)
            identity = Detected(served.implementation, "user")
            yield Stand(name, host, path, folder, served, connections, session, log_in, identity)


@asynccontextmanager
async def real_stand(
    server: Server, running: Running, folder: Path, path: RepositoryPath, types: Types | None = None
) -> AsyncIterator[Stand]:
    """On a server that runs. It says itself what it is, as it does to people, unless it must be named."""
    host = RegistryHost.parse(urlsplit(running.url).netloc)
    login = Login(running.environ)
    if running.login:
        auth = base64.b64encode(":".join(running.login).encode()).decode()
        login = Login(login.environ, {"auths": {host: {"auth": auth}}}, running.login[1:])
    async with _connected(folder, running.implementation or "default", login, login.environ) as connections:
        identity = await connections.identify(Address(host, path), running.implementation)
        session = await connections.session(
            Repository(host, path), identity.implementation, detected_by=identity.detected_by
        )
        yield Stand(
            server.name,
            host,
            path,
            folder,
            None,
            connections,
            session,
            login,
            identity,
            server.pages,
            types or server.takes.types[0],
            server.absent_is_empty,
        )


@asynccontextmanager
async def _connected(
    folder: Path, implementation: str, login: Login, environ: Mapping[str, str]
) -> AsyncIterator[Connections]:
    (folder / "docker").mkdir(exist_ok=True)
    (folder / "docker" / "config.json").write_text(json.dumps(login.docker_config))
    connections = Connections(
        folder / "docker",
        access=resolve_access(Given({}, environ)),
        environ={"HOME": str(folder), **environ},
        limits=Limits(attempts=4, host_patience=0.2),
    )
    async with connections:
        yield connections


def unlocked(plan: Plan) -> Plan:
    """Without what would stop it only because of its size."""
    return msgspec.structs.replace(plan, refusals=tuple(each for each in plan.refusals if each.promise != "fuse"))
