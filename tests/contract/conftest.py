"""`stand` for each registry, and a line for each at the end of `make contract`."""

import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.skips import pytest_runtest_call
from tests.contract.stands import NAMES, OTHERS, Stand, stand
from tests.support.command_line import hasty

__all__ = ["pytest_runtest_call"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "registry_name" in metafunc.fixturenames:
        everywhere = metafunc.definition.get_closest_marker("everywhere")
        names = (*NAMES, *OTHERS) if everywhere else NAMES
        metafunc.parametrize("registry_name", names)


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    with hasty():
        yield


@pytest.fixture
async def served(registry_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    """`@pytest.mark.login("weak_login")`: as whom, if not with the emulator's own `login`."""
    marked = request.node.get_closest_marker("login")
    async with stand(registry_name, tmp_path, login=marked.args[0] if marked else "login") as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each registry, if nothing but this suite was run."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    reasons: defaultdict[str, set[str]] = defaultdict(set)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            if not report.nodeid.startswith("tests/contract/"):
                return
            if name := re.search(rf"\[(?:[^]]*-)?({'|'.join((*NAMES, *OTHERS))})(?:-[^]]*)?\]$", report.nodeid):
                counts[name[1]][outcome] += 1
                if outcome == "skipped":
                    reasons[name[1]].add(str(report.longrepr[2]).removeprefix("Skipped: "))
    if counts:
        terminalreporter.section("contract")
    for each in (*NAMES, *OTHERS):
        if each in counts:
            found = counts[each]
            failed, skipped = found["failed"] + found["error"], found["skipped"]
            why = f" ({'; '.join(sorted(reasons[each]))})" if skipped else ""
            terminalreporter.line(f"{each:<16} {found['passed']} passed, {failed} failed, {skipped} skipped{why}")
