"""docs/metrics.md lists every metric with its labels, and its alerts are rules that Prometheus takes."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from holystone.engine.model.events import Ended
from holystone.ui.metrics import MOST_REPOSITORIES, RunMetrics
from tests.support.programs import require
from tests.ui.test_metrics import RUN

PAGE = (Path(__file__).parents[2] / "docs/metrics.md").read_text()
(ALERTS,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
METRIC = re.compile(r"holystone_\w+")


def exposed() -> bytes:
    metrics = RunMetrics(looks=False)
    for event in (*RUN, Ended("cleanup", 0)):
        metrics.heard(event)
    return generate_latest(metrics.registry())


def labels() -> dict[str, set[str]]:
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(exposed().decode())
        for sample in family.samples
    }


def test_every_metric_is_listed_with_its_labels() -> None:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if "| `holystone_" in line]
    assert {name.strip("`"): set(re.findall(r"`(\w+)`", named)) for name, named, _ in rows} == labels()


def test_the_bound_is_as_it_says() -> None:
    assert f"{MOST_REPOSITORIES} repositories at most" in PAGE


def test_alerts_are_about_metrics_that_there_are() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS)["groups"] for rule in group["rules"]]
    assert len(rules) == 3
    for rule in rules:
        assert set(METRIC.findall(rule["expr"])) <= labels().keys()


@pytest.mark.parametrize("what", ["metrics", "rules"])
def test_prometheus_has_nothing_against_them(what: str, tmp_path: Path) -> None:
    promtool = require("promtool")
    (tmp_path / "rules.yaml").write_text(ALERTS)
    arguments = [promtool, "check", what, *([str(tmp_path / "rules.yaml")] if what == "rules" else [])]
    done = subprocess.run(
        arguments, input=exposed() if what == "metrics" else b"", capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
