"""Tries mutants with the tests of their room. Nothing on the disk is changed.

A change within a function is put into the function itself, in a fork of a process that has collected all tests already.
Any other is made while its module is imported, in a fork of one that has imported nothing of ours yet: which is slower.
"""

import gc
import importlib.machinery
import os
import pickle
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Final

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.forks import in_forks
from tests.mutants.functions import Functions
from tests.mutants.operators import Mutant, compiled

PATIENCE: Final = 4.0
"""Seconds of processor time in tests that a mutant is tried with at most."""
_HANG: Final = 60
"""Seconds, and twenty times its processor time: what a test may take. Then the mutant is caught."""
_OPTIONS: Final = (
    "-qq",
    "--no-header",
    "--no-summary",
    "--import-mode=importlib",
    "--strict-markers",
    "-mnot real_size and not real and not exhaustive",
    "-pno:cacheprovider",
    "-oaddopts=",
    "-otmp_path_retention_policy=none",
)
FREE: Final = "other free variables"
"""A change that cannot be put into a function that is there."""


@dataclass(frozen=True, slots=True)
class Tried:
    mutant: Mutant
    changed: bool
    """False for a control: nothing is changed, and no test may fail."""
    by: str
    """The test that failed, or what ended it; empty if nobody noticed."""
    tests: int
    """That might have."""


@dataclass(slots=True)
class Measured:
    """One run of a room's tests with nothing changed."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Of processor time, of each test that passed."""
    runs: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    """The functions of the room that it runs, by file and name."""
    failed: list[str] = field(default_factory=list)

    def nearest(self, mutant: Mutant, file: str, tests: Sequence[str]) -> list[str]:
        """Tests that run the function; where it is in none, those that run the module, or nothing of the room, since
        they may look at a value, or else all. Those of the first folder first, the fastest first."""
        of_function = [name for name, runs in self.runs.items() if (file, mutant.function) in runs]
        of_module = [name for name, runs in self.runs.items() if not runs or any(each == file for each, _ in runs)]
        chosen = of_function if mutant.function else of_module or [*self.seconds]

        def order(name: str) -> tuple[int, float]:
            return next(at for at, near in enumerate(tests) if name.startswith(near)), self.seconds[name]

        left, found = PATIENCE, list[str]()
        for name in sorted(chosen, key=order):
            if left < 0:
                break
            left -= self.seconds[name]
            found.append(name)
        return found


@dataclass(frozen=True, slots=True)
class Bench:
    top: Path
    tests: Sequence[str]
    jobs: int
    seed: int

    def try_out(self, mutants: Sequence[Mutant], every: int) -> Iterator[Tried | Measured]:
        """`every`: of so many mutants one is tried unchanged, too."""
        measured: Measured | None = None
        late = [mutant for mutant in mutants if not mutant.function]
        for said in self._collected(mutants, every):
            if isinstance(said, Tried) and said.by == FREE:
                late.append(said.mutant)
                continue
            measured = said if isinstance(said, Measured) else measured
            yield said
        if measured is None:
            raise RuntimeError(f"the tests in {', '.join(self.tests)} cannot be run")
        names = [measured.nearest(mutant, self.file(mutant), self.tests) for mutant in late]
        tasks = [partial(self._imported, mutant, near) for mutant, near in zip(late, names, strict=True)]
        for number, by in in_forks(tasks, self.jobs):
            yield Tried(late[number], True, by, len(names[number]))

    def _collected(self, mutants: Sequence[Mutant], every: int) -> Iterator[Tried | Measured]:
        """In a process of its own, so that this one stays as it is."""
        ours, theirs = os.pipe()
        if not (pid := os.fork()):
            ended: int = pytest.ExitCode.INTERNAL_ERROR
            try:
                os.close(ours)
                with os.fdopen(theirs, "wb") as told:
                    ended = self._pytest(self.tests, _Collected(self, mutants, every, told.write, told.flush))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(ended == pytest.ExitCode.INTERNAL_ERROR)
        os.close(theirs)
        with os.fdopen(ours, "rb") as heard:
            while True:
                try:
                    yield pickle.load(heard)
                except EOFError:
                    break
        if os.waitpid(pid, 0)[1]:
            raise RuntimeError(f"not all mutants could be tried with {', '.join(self.tests)}")

    def _imported(self, mutant: Mutant, names: Sequence[str]) -> str:
        """The test that failed, or what was wrong before."""
        file = self.file(mutant)
        code = compiled(mutant, Path(file))
        usual = importlib.machinery.SourceFileLoader.get_code

        def get_code(loader: importlib.machinery.SourceFileLoader, name: str) -> CodeType | None:
            return code if loader.path == file else usual(loader, name)

        importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]
        plugin = _Chosen(names)
        _alarm(60)
        self._pytest(sorted({name.partition("::")[0] for name in names}), plugin)
        if plugin.missing:
            raise RuntimeError("no test is there any more: has somebody changed them?")
        return plugin.by

    def _pytest(self, tests: Iterable[str], plugin: object) -> int:
        with tempfile.TemporaryDirectory(prefix="holystone-mutants-") as folder:
            options = (*_OPTIONS, f"--basetemp={folder}/t", f"--rootdir={self.top}", f"--hypothesis-seed={self.seed}")
            return pytest.main([*options, *(str(self.top / each) for each in tests)], plugins=[plugin, _Draws()])

    def file(self, mutant: Mutant) -> str:
        return str(self.top / mutant.module)


class _Draws:
    """What fails need not be made small, and nothing is remembered."""

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings  # not before pytest, which changes its assertions

        settings.register_profile("mutants", database=None, deadline=None, phases=(Phase.explicit, Phase.generate))
        settings.load_profile("mutants")


@dataclass(slots=True, eq=False)
class _Chosen:
    """Runs some of the tests instead of all, until one fails."""

    names: Sequence[str]
    by: str = "importing the tests"
    missing: bool = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        if not session.testsfailed:
            there = [items[name] for name in self.names if name in items]  # a name may tell the value that was changed
            self.missing = not there and bool(self.names)
            self.by = _first_failure(there, {})
        return True


@dataclass(slots=True, eq=False)
class _Collected:
    bench: Bench
    mutants: Sequence[Mutant]
    every: int
    write: Callable[[bytes], object]
    flush: Callable[[], object]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            return True
        files = {self.bench.file(mutant) for mutant in self.mutants}
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined] # made before any fork
        functions = Functions(files)
        ((_, measured),) = in_forks([lambda: _measure(session.items, functions)], 1)
        if isinstance(measured, str):
            return True
        self._tell(measured)
        items = {item.nodeid: item for item in session.items}
        within = [mutant for mutant in self.mutants if mutant.function]
        tries = [(mutant, True) for mutant in within] + [(mutant, False) for mutant in within[:: self.every]]
        near = [measured.nearest(mutant, self.bench.file(mutant), self.bench.tests) for mutant, _ in tries]

        def work(mutant: Mutant, changed: bool, names: Sequence[str]) -> str:
            if changed and not functions.change(compiled(mutant, Path(self.bench.file(mutant))), mutant):
                return FREE
            with _folder_of_its_own(session.config):
                return _first_failure([items[name] for name in names], measured.seconds)

        tasks = [partial(work, *one, names) for one, names in zip(tries, near, strict=True)]
        gc.freeze()  # else a collection in a fork copies all of its memory
        for number, by in in_forks(tasks, self.bench.jobs):
            self._tell(Tried(*tries[number], by, len(near[number])))
        return True

    def _tell(self, said: Tried | Measured) -> None:
        self.write(pickle.dumps(said))
        self.flush()


@contextmanager
def _folder_of_its_own(config: pytest.Config) -> Iterator[None]:
    """Forks would make, and remove, the same temporary folders."""
    factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory(dir=factory.getbasetemp(), ignore_cleanup_errors=True) as folder:
        factory._basetemp = Path(folder)
        yield


def _first_failure(items: Sequence[pytest.Item], seconds: dict[str, float]) -> str:
    for item, following in _pairs(items):
        _alarm(_HANG + 20 * seconds.get(item.nodeid, 1.0))
        if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
            item.session._setupstate.teardown_exact(None)
            return item.nodeid
    return ""


def _pairs(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    """Each with the one after it, which tells what may be torn down."""
    return zip(items, [*items[1:], None][: len(items)], strict=True)


def _alarm(seconds: float) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _measure(items: Sequence[pytest.Item], functions: Functions) -> Measured:
    measured = Measured()
    runs: set[tuple[str, str]] = set()
    functions.watch(runs.add)
    for item, following in _pairs(items):
        begun = time.process_time()
        runs.clear()
        functions.forget()
        reports = runtestprotocol(item, log=False, nextitem=following)
        if any(report.failed for report in reports):
            measured.failed.append(item.nodeid)
        elif all(report.passed for report in reports):
            measured.seconds[item.nodeid] = time.process_time() - begun
            measured.runs[item.nodeid] = {*runs}
    return measured
