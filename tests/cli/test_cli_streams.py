"""Standard streams that are full, closed, narrow or left: nothing is lost for it, and it is one message."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from typing import Final

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.ui import output
from tests.support.command_line import Bench, Ran

FULL: Final = ">/dev/full"
CLEANUP: Final = ("cleanup",)


def redirected(shop: Bench, redirection: str, *arguments: str, **variables: str) -> Ran:
    """As a process of its own, started by a shell."""
    command = (sys.executable, "-m", "holystone.cli", *arguments)
    if arguments[:1] == CLEANUP:
        command += tuple(shop.addresses())
    done = subprocess.run(
        ["sh", "-c", f'"$0" "$@" {redirection}; exit $?', *command],
        cwd=shop.project,
        env={**shop.environment(), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "words", [["--help"], ["cleanup", "--help"], ["--version"], ["runs"], ["cleanup", "--dry-run"]]
)
def test_a_full_standard_output_is_one_message(shop: Bench, words: list[str]) -> None:
    if words == ["runs"]:
        assert shop.cleanup().code == 0  # so that there is one
    ran = redirected(shop, FULL, *words)
    assert ran.code == 1
    assert ran.message.splitlines()[0] == "Standard output cannot be written: No space left on device."


@pytest.mark.parametrize("redirection", [FULL, "| true"])
def test_a_plan_that_cannot_be_shown_is_not_carried_out(shop: Bench, redirection: str) -> None:
    before = shop.contents()
    ran = redirected(shop, redirection, *CLEANUP)
    assert "Standard output cannot be written: " in ran.message
    assert "Nothing was deleted." in ran.message
    assert shop.contents() == before
    assert shop.run("runs").out == ""


def test_a_document_that_cannot_be_written_is_told_with_the_run(shop: Bench) -> None:
    ran = redirected(shop, FULL, *CLEANUP, "--output=json")
    assert ran.code == 1
    (run,) = (line.split()[0] for line in shop.run("runs").out.splitlines() if "finished" in line)
    assert f"Run {run} is done, but standard output cannot be written: No space left on device." in ran.err
    assert f"`holystone undo {run}`" in ran.err
    ran = redirected(shop, FULL, "undo", run)
    assert (ran.code, f"Run {run} is undone, but standard output" in ran.err) == (1, True)


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_streams_and_errors_that_cannot_be_told_end_nothing(shop: Bench, redirection: str) -> None:
    ran = redirected(shop, redirection, *CLEANUP)
    assert ran.code == 0
    assert "Traceback" not in ran.err
    assert "finished" in shop.run("runs").out
    assert redirected(shop, redirection, "cleanup", "--bogus").code == 2


def test_a_narrow_locale_ends_nothing(shop: Bench) -> None:
    narrow = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    for words in (["cleanup", "--help"], ["cleanup"]):
        ran = redirected(shop, "", *words, **narrow)
        assert (ran.code, ran.out.isascii()) == (0, True)


class _Full(io.StringIO):
    """A disk with room for some lines."""

    def __init__(self, until: str) -> None:
        super().__init__()
        self._until = until

    def write(self, text: str, /) -> int:
        if self._until in text:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_disk_that_is_full_only_after_the_deletions(shop: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    full = _Full("are still there")
    monkeypatch.setattr("tests.support.command_line.io.StringIO", iter([full, io.StringIO()]).__next__)
    ran = shop.cleanup()
    monkeypatch.undo()
    assert ran.code == 1
    assert "is done, but standard output cannot be written: No space left on device." in ran.err
    assert "In all 28 tags stay" in ran.out
    assert "finished" in shop.run("runs").out
    assert shop.run("resume").code == 0


def test_the_plan_is_shown_before_it_is_carried_out(shop: Bench) -> None:
    requests = shop.registry.requests
    shown: list[str] = []
    report = output.report_lines

    def watched(lines: Iterable[str]) -> None:
        told = [*lines]
        if any("In all 28 tags stay" in line for line in told):
            shown.extend(each.method for each in requests)
        report(told)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "report_lines", watched)
        ran = shop.cleanup()
    assert ran.out.index("In all 28 tags stay") < ran.out.index("is done. All 28 tags")
    assert shown
    assert "PUT" not in shown


@pytest.mark.parametrize("words", [[], ["--output=json"]])
def test_quiet_is_quiet(shop: Bench, words: list[str]) -> None:
    ran = shop.cleanup("--log-quiet", *words)
    assert (ran.code, ran.err) == (0, "")
    assert bool(ran.out) == bool(words)  # a document is what was asked for
    again = shop.cleanup("--log-quiet", *words)
    assert (again.code, again.err, bool(again.out)) == (0, "", bool(words))


def test_what_was_asked_for_is_printed_all_the_same(shop: Bench) -> None:
    assert "In all 28 tags stay" in shop.cleanup("--log-quiet", "--dry-run").out
    assert shop.cleanup("--log-quiet").out == ""
    assert "finished" in shop.run("runs", "--log-quiet").out
    assert "managed-image" not in (listed := shop.run("managed-images", "ls", *shop.addresses()[2:], "--log-quiet")).out
    assert "backend" in listed.out


def test_a_door_that_is_shut_stays_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left in the buffer is not tried again at the end of the program, which would be a message of Python's."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as broken, redirect_stdout(broken), redirect_stderr(io.StringIO()):
        with pytest.raises(output.Unwritten, match="Broken pipe"):
            output.report("x")
        output.report("y")


@pytest.mark.parametrize(
    ("variables", "colors"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colors_are_for_who_wants_them(
    variables: dict[str, str], colors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with redirect_stderr(Terminal()):
        assert output.has_colors() == colors


def test_nothing_is_logged_that_nobody_asked_for() -> None:
    """Who uses the rooms as a library asks by the standard library's `logging`; the demo does not."""
    event = "from holystone.engine import events; events.logger().warning('seen', what=1)"
    asking = "import logging; logging.basicConfig(format='%(name)s %(message)s'); "
    run = partial(subprocess.run, capture_output=True, text=True, check=True, timeout=60)
    silent = run([sys.executable, "-c", event])
    assert (silent.stdout, silent.stderr) == ("", "")
    asked = run([sys.executable, "-c", asking + event])
    assert asked.stdout == ""
    assert "holystone.events" in asked.stderr
    assert "seen" in asked.stderr


def test_what_is_logged_is_no_part_of_the_report(shop: Bench) -> None:
    plain = shop.cleanup("--dry-run")
    assert "repository read" not in plain.out + plain.err
    more = shop.cleanup("--dry-run", "--log-verbose", "--log-color-mode=off")
    assert "repository read" not in more.out
    assert "[info     ] repository read" in more.err
    assert "capabilities" not in more.err
    assert "capabilities" in shop.cleanup("--dry-run", "--log-debug").err


def test_a_log_line_says_what_the_request_was_for(shop: Bench) -> None:
    """Whoever waits for a registry knows of hosts and requests, and of nothing that these are for."""
    later = Answer(429, headers={"Retry-After": "0"})
    planned = shop.cleanup("--dry-run", "--output=json").json["plan"]["repositories"]
    (first, *_), *_ = (
        each["passes"][-1]["steps"] for each in planned if each["passes"] and "/app" in each["repository"]["path"]
    )
    shop.registry.faults.add(Fault("HEAD", "/shop/app/", later))
    shop.registry.faults.add(Fault("DELETE", first["digest"], later))
    ran = shop.cleanup("--log-verbose", "--log-color-mode=off")
    looking, deleting = (line for line in ran.err.splitlines() if "request throttled" in line)
    app = f"repository={shop.registry.host}/shop/app"
    assert app in looking
    assert re.search(r" tag=\w", looking)
    assert "run=" not in looking
    assert app in deleting
    assert f" manifest={first['digest']}" in deleting
    (run,) = shop.run("runs", "--output=json").json["runs"]
    assert f"run={run['id']}" in deleting
