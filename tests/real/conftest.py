"""One server after another, each for as long as it is tried, and a line for each at the end."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from holystone.engine.model.references import RepositoryPath
from tests.contract.skips import pytest_runtest_call
from tests.contract.stands import Stand, real_stand
from tests.real.page import Gathered, page_with
from tests.real.processes import Running, scratch
from tests.real.servers import SERVERS, Server

__all__ = ["pytest_runtest_call"]


def chosen() -> list[Server]:
    """All, or those that REAL_SERVERS names."""
    names = [name.strip() for name in os.environ.get("REAL_SERVERS", "").split(",") if name.strip()]
    if unknown := set(names) - SERVERS.keys():
        raise pytest.UsageError(f"REAL_SERVERS names {', '.join(sorted(unknown))}; there are {', '.join(SERVERS)}")
    return [SERVERS[name] for name in names or SERVERS]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        there = [each for each in chosen() if not each.absent]
        metafunc.parametrize("server", there, ids=lambda each: each.name, scope="session")


@pytest.fixture(scope="session")
def running(server: Server) -> Iterator[Running]:
    with scratch() as folder, server.running(folder) as running:
        yield running


@pytest.fixture
def registry_name(server: Server) -> str:
    return server.name


@pytest.fixture
async def served(
    server: Server, running: Running, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Stand]:
    """A repository of its own."""
    path = RepositoryPath(f"{running.account}/r{uuid4().hex[:12]}")
    async with real_stand(server, running, tmp_path, path) as stand:
        request.node.user_properties.append(("implementation", stand.identity.implementation))
        yield stand


@pytest.fixture(autouse=True)
def _what_it_is(request: pytest.FixtureRequest) -> None:
    """For the page."""
    if {"served", "running"} & set(request.fixturenames):
        running = request.getfixturevalue("running")
        assert isinstance(running, Running)
        request.node.user_properties.append(("version", running.version))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    gathered = Gathered()
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            if report.nodeid.startswith("tests/real/"):
                gathered.add(report, outcome)
    if not (gathered.rows or gathered.conformance):
        return
    terminalreporter.section("real servers")
    for line in gathered.lines():
        terminalreporter.line(line)
    for each in chosen():
        if each.absent:
            terminalreporter.line(each.absent)
    if page := os.environ.get("HOLYSTONE_REAL_PAGE"):
        file = Path(page)
        file.write_text(page_with(file.read_text(), gathered))
