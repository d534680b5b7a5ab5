"""One schedule carried out: the command is disturbed, then finished on a network that has healed, and everything that
was promised is looked at."""

import asyncio
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from holystone.engine.model.lock_tags import is_lock_tag
from holystone.engine.model.references import Tag
from tests.torture.command import Ended, Launcher
from tests.torture.messages import Reply, Request
from tests.torture.proxy import Decide, FaultProxy, no_fault
from tests.torture.schedules import Kill, Schedule, decider
from tests.torture.world import KeptSet, State, World, look, restore, untag

HANGS: Final = 120.0
"""Seconds outside that no command takes: at twenty times the speed of time that is forty minutes."""
_COMMANDS: Final = 10
_TRACES: Final = re.compile(r"Traceback|was never retrieved|Exception ignored|Segmentation|unclosed|Task .* pending")


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an undisturbed run arrives, and how many requests it and its undo send."""

    after: State
    requests: int
    undo_requests: int
    cache: Path
    """What it left behind."""


@dataclass(slots=True)
class Outcome:
    schedule: Schedule
    problems: list[str] = field(default_factory=list)
    commands: list[tuple[str, int]] = field(default_factory=list)
    """With exit codes."""
    faults: int = 0
    killed: int = 0
    stale_locks: int = 0
    seconds: float = 0.0
    said: list[str] = field(default_factory=list)


class Bench:
    """What trials of one kind of server need: a registry, the proxy before it, and processes."""

    def __init__(
        self,
        storage: Path,
        proxy: FaultProxy,
        launched: Mapping[bool, Launcher],
        worlds: Mapping[int, World],
        folder: Path,
    ) -> None:
        """`launched`: by whether time passes more quickly there, which shortens the stalls of a disturbed command."""
        self.storage = storage
        self.proxy = proxy
        self.launched = launched
        self.worlds = worlds
        self.folder = folder

    async def reference(self, world: int) -> Reference:
        trial = Trial(self, Schedule(0, 0, "faults", "docker-registry", world, False, False, False), None)
        ended = await trial.command("cleanup")
        assert ended.code == 0, ended
        requests = len(self.proxy.log)
        after = trial.state()
        cache = self.folder / f"cache-{world}"
        shutil.copytree(trial.cache, cache)
        undone = await trial.command("undo")
        assert undone.code == 0, undone
        assert not trial.state().differs(trial.world.before), "undo does not bring all back"
        return Reference(after, requests, len(self.proxy.log), cache)

    async def carry_out(self, schedule: Schedule, reference: Reference) -> Outcome:
        trial = Trial(self, schedule, reference)
        begun = time.monotonic()
        try:
            await trial.whole()
        except Exception as error:
            trial.problem(f"the harness: {type(error).__name__}: {error}")
        trial.outcome.seconds = time.monotonic() - begun
        return trial.outcome


def _waits(ended: Ended) -> bool:
    """It says that something could not be read, and that what could hang on that stays until it can."""
    return "cannot be read" in ended.out or "left alone, e.g." in ended.out


class Trial:
    def __init__(self, bench: Bench, schedule: Schedule, reference: Reference | None) -> None:
        self._bench = bench
        self._schedule = schedule
        self._reference = reference
        self._launcher = bench.launched[False]
        self.world = bench.worlds[schedule.world]
        self.outcome = Outcome(schedule)
        self._home = bench.folder / "home"
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True)
        if schedule.warm and reference:
            shutil.copytree(reference.cache, self.cache)
        restore(bench.storage, self.world)
        bench.proxy.forget()
        self._kills = list(schedule.kills)
        self._given = 0
        self._lies = schedule.part == "lies"
        self._locks: set[str] = set()
        self._kept = KeptSet(bench.storage, reference.after) if reference else None
        bench.proxy.answered = self._changed

    @property
    def cache(self) -> Path:
        return self._home / "cache"

    def problem(self, what: str) -> None:
        if len(self.outcome.problems) < 12:
            self.outcome.problems.append(what)

    def state(self) -> State:
        """A lock that the network keeps from being given back in time goes stale, as it is meant to; one that a killed
        run had is taken away by whoever goes on with it."""
        found = look(self._bench.storage, self.world.repositories)
        if self._schedule.part == "kills":
            return found
        tags = {at: digest for at, digest in found.tags.items() if not is_lock_tag(Tag(at[1]))}
        return State(tags, frozenset((r, d) for r, d in found.manifests if d not in self._locks))

    async def whole(self) -> None:
        assert self._reference
        first = await self.command("cleanup")
        await self._finish(first, self._reference.after)
        if self._schedule.undo and len(self._runs()) == 1:
            await self._undone()
        elif self.state().differs(self._reference.after):
            await self._healed("cleanup", self._reference.after)

    def _told(self, ended: Ended) -> None:
        """What is told as deleted is gone. The network's faults must leave nothing else behind either; a lie in what
        was read before may leave the rest to another run."""
        state = self.state()
        for repository in json.loads(ended.out).get("repositories", ()):
            path = repository["repository"]["path"]
            for step in repository["steps"]:
                if step["outcome"]["type"] in ("deleted", "already-gone"):
                    left = [t for t in step["tags"] if state.tags.get((path, t)) == step["digest"]]
                    if left or (not step["tags"] and (path, step["digest"]) in state.manifests):
                        self.problem(f"TOLD as {step['outcome']['type']}, and is there: {path} {step}")

    async def _finish(self, last: Ended, expected: State) -> None:
        """Until a command says that all is done. What it says must be so."""
        for _ in range(_COMMANDS):
            differs = self.state().differs(expected)
            if last.code == 0 and self.outcome.commands[-1][0] in ("cleanup", "resume"):
                if self._lies:
                    self._told(last)
                elif differs and (wrong := self.state().lost(expected) if _waits(last) else differs):
                    self.problem(f"FALSE SUCCESS of {self.outcome.commands[-1][0]}: {_few(wrong)}")
                if differs:
                    await self._healed("cleanup", expected)
                return
            state = await self._run_state()
            if state in ("undone", "finished", None):
                if state is None and (touched := self.state().differs(self.world.before)):
                    self.problem(f"changed without a run in the journal: {_few(touched)}")
                self._half_an_hour_passes()
                last = await self.command("cleanup")
            elif state == "undoing":
                last = await self.command("undo")
            else:
                last = await self.command("resume")
        self.problem(f"never ends: {self.outcome.commands}")

    async def _undone(self) -> None:
        for _ in range(_COMMANDS):
            ended = await self.command("undo")
            differs = self.state().differs(self.world.before)
            if ended.code == 0:
                if self._lies:
                    differs = self.state().lost(self.world.before)
                if differs:
                    self.problem(f"FALSE SUCCESS of undo: {_few(differs)}")
                return
        self.problem(f"undo never ends: {self.outcome.commands}")

    async def _healed(self, word: str, expected: State) -> None:
        """By a command that nothing disturbs."""
        self._given = 1 << 20
        self._kills = []
        self._half_an_hour_passes()
        ended = await self.command(word)
        if differs := self.state().differs(expected):
            self.problem(f"not healed by another {word} (exit {ended.code}): {_few(differs)}")

    def _half_an_hour_passes(self) -> None:
        """Locks that were left behind count no more. Those of a run that can be resumed are none of them."""
        if self._schedule.part != "kills":
            for repository, tag in look(self._bench.storage, self.world.repositories).tags:
                if is_lock_tag(Tag(tag)):
                    untag(self._bench.storage, repository, tag)
                    self.outcome.stale_locks += 1

    def run_id(self) -> str | None:
        runs = self._runs()
        return runs[-1] if runs else None

    def _runs(self) -> list[str]:
        """That changed anything, as far as they said so."""
        return sorted(set(re.findall(r"\brun (\d{8}-\d{6}-[0-9a-f]{4})", "\n".join(self.outcome.said))))

    async def _run_state(self) -> str | None:
        """Of the newest run in the journal."""
        ended = await self._launcher.run(self._home, "runs", self._folders[0])
        self._look_at(ended, "runs")
        lines = ended.out.splitlines()[1:]
        if not lines:
            return None
        self.outcome.said.append(f"run {lines[0].split()[0]}")
        return lines[0].split()[1]

    async def command(self, word: str, decide: Decide = no_fault) -> Ended:
        """`decide`: what happens if the schedule has nothing to say."""
        proxy, schedule = self._bench.proxy, self._schedule
        disturbed = self._given < schedule.disturbed and schedule.part != "kills"
        self._launcher = self._bench.launched[disturbed]  # nothing waits on a network that is in order
        proxy.begin(decider(schedule, self._given) if disturbed else decide)
        self._given += 1
        kill = self._kills.pop(0) if self._kills else None
        words = self._words(word)
        running = asyncio.create_task(self._launcher.run(self._home, *words))
        killing = asyncio.create_task(self._kill(kill, word, running)) if kill else None
        done, _ = await asyncio.wait({running}, timeout=HANGS)
        if not done:
            self.problem(f"HANGS: {word}")
            self._signal(signal.SIGKILL)
        ended = await running
        if killing:
            killing.cancel()
            with suppress(asyncio.CancelledError):
                await killing
            proxy.arrived = no_fault
        self.outcome.faults += sum(1 for each in proxy.log if each.fault)
        self.outcome.commands.append((word, ended.code))
        self._look_at(ended, word)
        self.outcome.said += [
            f"{e.n} c{e.connection} {e.method} {e.path} {e.status} {e.fault or ''}" for e in proxy.log
        ]
        return ended

    def _words(self, word: str) -> tuple[str, ...]:
        host, project = self._bench.proxy.host, self.world.project
        options = list(self._folders)
        if self._schedule.lock:
            options.append("--lock-in-registry")
        if self._lies:
            options.append("--output=json")
        if self._schedule.one_at_a_time:
            options.append("--parallel=false")
        if word == "cleanup":
            options += [
                f"--images-repo={host}/{project.images_repo}",
                f"--images-repo-mode={project.mode}",
                f"--stages-storage={host}/{project.stages_storage}",
                f"--dir={project.path}",
            ]
        return (word, *((self.run_id() or "",) if word == "undo" else ()), *options)

    @property
    def _folders(self) -> tuple[str, ...]:
        docker = self._home / "docker"
        return f"--state-dir={self._home}/state", f"--cache-dir={self.cache}", f"--docker-config={docker}"

    async def _kill(self, kill: Kill, word: str, running: asyncio.Task[Ended]) -> None:
        assert self._reference
        now = asyncio.Event()
        usual = self._reference.undo_requests if word == "undo" else self._reference.requests
        at = max(1, int(kill.share * usual))

        def arrived(request: Request) -> None:
            if request.n == at:
                self._signal(kill.how)
                now.set()

        if kill.after_seconds:
            await asyncio.sleep(kill.after_seconds)
            self._signal(kill.how)
        else:
            self._bench.proxy.arrived = arrived
            await now.wait()
        self.outcome.killed += 1

    def _signal(self, how: signal.Signals) -> None:
        if self._launcher.pid:
            with suppress(ProcessLookupError):
                os.kill(self._launcher.pid, how)

    def _changed(self, request: Request, answer: Reply) -> None:
        if request.method == "PUT" and request.reference.startswith("holystone-lock-"):
            self._locks.add(answer.header("Docker-Content-Digest"))
        if self._kept and request.method in ("DELETE", "PUT") and answer.status < 300 and (gone := self._kept.gone()):
            self.problem(f"LOST at {request.n} {request.method} {request.path[:90]}: {_few(gone)}")
            self._kept = None

    def _look_at(self, ended: Ended, word: str) -> None:
        self.outcome.said += [f"$ {word} → {ended.code}", ended.out, ended.err]
        if _TRACES.search(ended.err) or _TRACES.search(ended.out):
            self.problem(f"TRACEBACK of {word}: {ended.err[-1500:]}")
        if ended.code not in (0, 1, 3, 4, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT):
            self.problem(f"exit code {ended.code} of {word}: {ended.err[-500:]}")
        if "journal" in ended.err and "broken" in ended.err:
            self.problem(f"JOURNAL broken: {ended.err[-500:]}")


def _few(found: list[str]) -> str:
    return f"{found[:4]} ({len(found)})"
