"""`--metrics-file` and `--metrics-push`: how a command ended, for Prometheus, however it ended."""

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from holystone.embedded.faults import Answer, Fault
from tests.cli.test_cli_json_log import interrupted
from tests.support.command_line import Bench
from tests.ui.test_exposition import gateway, says

LAST = "holystone_run_last_"
SUCCESS = "success_timestamp_seconds"


def values(file: Path) -> dict[str, float]:
    """Those of gauges without labels, sums of the others."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(file.read_text()):
        for sample in family.samples:
            name = sample.name.removeprefix(LAST)
            assert name != sample.name
            found[name] = found.get(name, 0) + sample.value
    return found


def outcomes(file: Path) -> dict[str, float]:
    return {
        sample.labels["outcome"]: sample.value
        for family in text_string_to_metric_families(file.read_text())
        for sample in family.samples
        if sample.name == f"{LAST}steps"
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "holystone.prom"


def test_a_run_that_is_done(shop: Bench, file: Path) -> None:
    before = sum(len(tags) for tags, _ in shop.contents().values())
    ran = shop.cleanup(f"--metrics-file={file}", "--output=json")
    assert ran.code == 0
    after = sum(len(tags) for tags, _ in shop.contents().values())
    found = values(file)
    assert found["exit_code"] == 0
    assert found[SUCCESS] == found["end_timestamp_seconds"] > found["start_timestamp_seconds"]
    assert (found["tags_kept"], found["tags_doomed"], found["tags_deleted"]) == (after, before - after, before - after)
    steps = sum(len(one_pass["steps"]) for each in ran.json["plan"]["repositories"] for one_pass in each["passes"])
    assert outcomes(file) == {"deleted": steps, "not-tried": 0}
    assert 0 <= found["requests"] - len(shop.registry.requests) < 10
    assert found["losses"] == 0
    assert 'info{command="cleanup",dry_run="false",version="' in file.read_text()
    undone = shop.run("undo", ran.json["run"], f"--metrics-file={file}")
    assert undone.code == 0
    assert set(outcomes(file)) <= {"restored", "already-there", "not-tried"}
    assert 'command="undo"' in file.read_text()


def test_a_dry_run_is_no_success(shop: Bench, file: Path) -> None:
    shop.cleanup("--dry-run", f"--metrics-file={file}")
    found = values(file)
    assert (found["exit_code"], SUCCESS in found) == (0, False)
    assert found["tags_doomed"] > 0
    assert found["tags_deleted"] == 0


def test_a_refusal_keeps_the_last_success(shop: Bench, file: Path) -> None:
    shop.cleanup(f"--metrics-file={file}")
    success = values(file)[SUCCESS]
    ran = shop.run("purge", *shop.addresses(), f"--metrics-file={file}")
    assert ran.code == 3
    found = values(file)
    assert (found["exit_code"], found[SUCCESS]) == (3, success)
    assert f'{LAST}refusals{{promise="confirmation"}} 1.0' in file.read_text()


def test_what_cannot_be_read(shop: Bench, file: Path) -> None:
    shop.registry.faults.add(Fault("GET", "/tags/list", Answer(403), times=None))
    assert shop.cleanup(f"--metrics-file={file}").code == 3
    assert values(file)["exit_code"] == 3


def test_wrong_settings_and_a_fault_of_ours(shop: Bench, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.run("cleanup", f"--metrics-file={file}").code == 2
    assert values(file)["exit_code"] == 2
    monkeypatch.setattr("holystone.workflows.session.Connections", lambda *_, **__: 1 / 0)
    assert shop.cleanup(f"--metrics-file={file}").code == 1
    assert values(file)["exit_code"] == 1


@pytest.mark.slow
def test_a_run_that_is_interrupted(shop: Bench, file: Path) -> None:
    planned = shop.cleanup("--dry-run", "--output=json").json["plan"]["repositories"]
    steps = sum(len(one_pass["steps"]) for each in planned for one_pass in each["passes"])
    ran = interrupted(shop, f"--metrics-file={file}")
    assert ran.code == 4
    found = values(file)
    assert (found["exit_code"], SUCCESS in found) == (4, False)
    assert found["steps"] == steps
    assert outcomes(file)["not-tried"] > 0
    shop.run("resume", f"--metrics-file={file}")
    found = outcomes(file)
    assert found.pop("not-tried") == 0
    assert sum(found.values()) == steps
    assert found.keys() <= {"deleted", "already-gone"}  # of what was under way, no answer was waited for


@pytest.mark.parametrize("quiet", [[], ["--log-quiet"]])
def test_metrics_that_cannot_be_told_change_nothing(shop: Bench, tmp_path: Path, quiet: list[str]) -> None:
    with gateway(says(500)) as (url, _):
        ran = shop.cleanup("--dry-run", f"--metrics-file={tmp_path}/none/x", f"--metrics-push={url}/secret", *quiet)
    assert ran.code == 0
    assert ran.notes == [
        f"holystone: note: The metrics cannot be written to {tmp_path}/none/x: No such file or directory.",
        f"holystone: note: The metrics were not pushed to {url.removeprefix('http://')}: it answered with status 500.",
    ]


def test_a_pushgateway_gets_them(shop: Bench) -> None:
    with gateway(says(200)) as (url, came):
        ran = shop.cleanup(env={"HOLYSTONE_METRICS_PUSH": f"{url}/metrics/job/shop-cleanup"})
    assert (ran.code, ran.notes) == (0, [])
    ((method, path, body),) = came
    assert (method, path) == ("POST", "/metrics/job/shop-cleanup")
    assert f"\n{LAST}exit_code 0.0\n" in body.decode()


def test_a_wrong_address_is_one_message_before_anything_begins(shop: Bench) -> None:
    ran = shop.cleanup("--metrics-push=https://me:hunter2@gate")
    assert ran.code == 2
    assert ran.message.startswith("--metrics-push: a name or a password before an '@' does not belong")
    assert "hunter2" not in ran.err
    assert shop.registry.requests == []


def test_commands_that_make_no_run_write_none(shop: Bench, file: Path) -> None:
    env = {"HOLYSTONE_METRICS_FILE": str(file)}
    assert shop.run("managed-images", "ls", *shop.addresses()[2:], env=env).code == 0
    assert shop.run("runs", env=env).code == 0
    assert not file.exists()
    assert shop.run("resume", env=env).code == 0
    assert 'command="resume"' in file.read_text()


def test_what_makes_metrics_is_loaded_only_where_they_are_asked_for(shop: Bench) -> None:
    program = """
import sys
from holystone.cli.main import main
try:
    main()
except SystemExit as end:
    print([name for name in ("prometheus_client", "holystone.ui.metrics") if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "cleanup", *shop.addresses(), "--dry-run"],
        cwd=shop.project,
        env=shop.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "[]\n"
