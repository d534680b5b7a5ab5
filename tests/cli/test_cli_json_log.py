"""`--log-format json`: standard error is a JSON object a line, whatever happens, and nothing else."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.faults import Answer, Fault
from holystone.ui import output
from tests.support.command_line import Bench, Ran
from tests.support.terminal import on_terminal

JSON = "--log-format=json"


def kinds(ran: Ran) -> set[str]:
    return {line["kind"] for line in ran.log}


def test_a_run_tells_each_event_with_what_it_is_about(shop: Bench) -> None:
    later = Answer(429, headers={"Retry-After": "0"})
    planned = shop.cleanup("--dry-run", "--output=json").json["plan"]["repositories"]
    step = next(step for each in planned for one_pass in each["passes"] for step in one_pass["steps"])
    shop.registry.faults.add(Fault("DELETE", step["digest"], later))
    before = shop.contents()
    ran = shop.cleanup(JSON, "--log-debug", "--output=json")
    assert ran.code == 0
    run = ran.json["run"]
    events = {"listed", "read", "planned", "begun", "step", "sent", "throttled", "retried", "checked", "done", "ended"}
    assert events <= kinds(ran)
    (throttled,) = (line for line in ran.log if line["kind"] == "throttled")
    assert throttled["run"] == run
    assert throttled["repository"].startswith(f"{shop.registry.host}/shop/")
    assert throttled["manifest"] == step["digest"]
    steps = [line for line in ran.log if line["kind"] == "step"]
    gone = {tag for path, (tags, _) in before.items() for tag in tags if tag not in shop.contents()[path][0]}
    assert gone
    assert {tag for line in steps for tag in line["tag_names"]} == gone
    assert {(line["run"], line["outcome"]) for line in steps} == {(run, "deleted")}
    assert ran.log[-1]["kind"] == "ended"
    assert (ran.log[-1]["command"], ran.log[-1]["exit_code"]) == ("cleanup", 0)


def test_the_level_says_how_much(shop: Bench) -> None:
    assert shop.cleanup(JSON, "--dry-run", "--log-quiet").log == []
    assert kinds(shop.cleanup(JSON, "--dry-run")) == set()
    verbose = kinds(shop.cleanup(JSON, "--dry-run", "--log-verbose"))
    assert {"read", "planned", "ended"} <= verbose
    assert not verbose & {"listed", "sent"}
    assert {"listed", "sent", "log"} <= kinds(shop.cleanup(JSON, "--dry-run", "--log-debug"))


def test_notes_progress_and_advice_are_lines_too(shop: Bench, tmp_path: Path) -> None:
    ran = shop.cleanup(JSON, "--synchronization=x", f"--plan-out={tmp_path / 'plan'}")
    assert [(line["kind"], line["text"][:30]) for line in ran.log] == [
        ("note", "--synchronization has no effec"),
        ("said", f"The plan is in {tmp_path}"[:30]),
    ]
    assert kinds(shop.run("apply", str(tmp_path / "plan"), JSON)) == {"note", "progress"}
    assert kinds(shop.run("runs", JSON, f"--state-dir={tmp_path / 'none'}")) == {"said"}


WRONG: list[tuple[list[str], dict[str, str], int]] = [
    (["cleanup", "--bogus", JSON], {}, 2),
    (["cleanup", "--log-format", "json"], {}, 2),  # its addresses are missing
    (["nothing"], {"HOLYSTONE_LOG_FORMAT": "json"}, 2),
    ([], {"HOLYSTONE_LOG_FORMAT": "json"}, 2),
    (["ci-env", "nowhere"], {"HOLYSTONE_LOG_FORMAT": "json"}, 2),
    (["undo", "20260101-000000-abcd", JSON], {}, 2),
]


@pytest.mark.parametrize(("words", "variables", "code"), WRONG)
def test_what_is_wrong_is_told_in_this_form_too(
    shop: Bench, words: list[str], variables: dict[str, str], code: int
) -> None:
    ran = shop.run(*words, env=variables)
    assert ran.code == code
    (line,) = ran.log
    assert line["kind"] == ("error" if words else "said")


def test_everybody_tells_by_messages_which_know_both_forms() -> None:
    program = Path(output.__file__).parents[1]
    both = {"ui/output.py", "ui/json_lines.py", "ui/message.py", "cli/logs.py"}
    direct = re.compile(r"output\.(tell|prompt)|ui\.output import[^\n]*\b(tell|prompt)")
    found = {str(file.relative_to(program)) for file in program.rglob("*.py") if direct.search(file.read_text())}
    assert found <= both
    assert "ui/message.py" in found


def test_another_form_is_refused_in_text(shop: Bench) -> None:
    ran = shop.cleanup("--log-format=xml")
    assert (ran.code, ran.message) == (2, "--log-format: 'xml' is not one of text, json")


def test_a_refusal_has_its_three_parts(shop: Bench) -> None:
    shop.registry.faults.add(Fault("GET", "/tags/list", Answer(403), times=None))
    ran = shop.cleanup(JSON, "--log-verbose")
    assert ran.code == 3
    (error,) = (line for line in ran.log if line["kind"] == "error")
    assert error["message"]
    assert error["not_deleted"] == "Nothing was deleted."
    assert (ran.log[-1]["kind"], ran.log[-1]["exit_code"]) == ("ended", 3)


def test_a_fault_of_ours_is_one_line(shop: Bench) -> None:
    with mock.patch("holystone.workflows.session.Connections", side_effect=ZeroDivisionError("of ours")):
        ran = shop.cleanup(JSON)
    assert ran.code == 1
    (line,) = ran.log
    assert "ZeroDivisionError: of ours" in line["message"]


PYTHON = """
import gc, sys, warnings
from holystone.cli import delivery
check = delivery.Delivery.check

class Bad:
    def __del__(self):
        raise ValueError("nobody catches this")

def noisy(self):
    warnings.warn("a library is old", UserWarning)
    Bad()
    import logging
    logging.getLogger("some.library").error("over\\ntwo lines %s", chr(0xdcff) + chr(27))
    check(self)

delivery.Delivery.check = noisy
from holystone.cli.start import main
main()
"""


def test_what_libraries_and_python_itself_print_is_told_in_lines(shop: Bench) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PYTHON, "cleanup", *shop.addresses(), "--dry-run", JSON],
        cwd=shop.project,
        env=shop.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    warning, unraisable, logged = Ran(0, "", done.stderr).log
    assert (warning["level"], warning["logger"]) == ("warning", "py.warnings")
    assert "a library is old" in warning["text"]
    assert "ValueError: nobody catches this" in unraisable["text"]
    assert logged["text"] == "over\ntwo lines \\udcff\x1b"


@pytest.mark.slow
def test_a_person_is_asked_by_a_line(shop: Bench) -> None:
    ran = on_terminal(
        ("purge", *shop.addresses(), JSON), shop.project, shop.environment(), prompt='"question"', answer="shop\n"
    )
    assert ran.code == 0
    assert ran.err.splitlines()[1] == "shop"  # the echo
    told = Ran(0, "", ran.err.replace("\nshop\n", "\n", 1)).log
    assert told[0]["kind"] == "question"
    assert "Type shop to delete it" in told[0]["text"]


def interrupted(shop: Bench, *options: str) -> Ran:
    """Ended by SIGTERM when the first deletion comes."""
    usual = shop.registry.answer
    process = subprocess.Popen(
        [sys.executable, "-m", "holystone.cli", "cleanup", *shop.addresses(), *options],
        cwd=shop.project,
        env=shop.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def answer(request: Incoming) -> Reply:
        reply = usual(request)
        if request.method == "DELETE" and reply.status == 202:
            process.send_signal(signal.SIGTERM)
        return reply

    with mock.patch.object(shop.registry, "answer", answer):
        out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out, err)


@pytest.mark.slow
def test_an_interrupted_run_ends_with_lines(shop: Bench, tmp_path: Path) -> None:
    ran = interrupted(shop, JSON, "--log-debug")
    assert ran.code == 4
    assert {"begun", "done", "error", "ended"} <= kinds(ran)
    assert "interrupted" in {line["stopped"] for line in ran.log if line["kind"] == "done"}
    assert ran.log[-1]["exit_code"] == 4


def test_ctrl_c_while_something_is_loaded_is_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    from holystone.cli import start

    with (
        mock.patch.object(sys, "argv", ["holystone", "cleanup", JSON]),
        mock.patch.object(os, "_exit", side_effect=SystemExit),
        pytest.raises(SystemExit),
    ):
        start._leave(2, None)
    (line,) = Ran(1, "", capfd.readouterr().err).log
    assert line["message"] == "Interrupted."
