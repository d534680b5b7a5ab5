"""What a person gets when all is well."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from holystone.engine.report.document import document_schema, plan_schema
from holystone.ui.log_schema import log_schema
from tests.support.command_line import Bench, now
from tests.support.plan_files import content

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"


@pytest.mark.parametrize(
    ("name", "schema"), [("document", document_schema()), ("plan", plan_schema()), ("log", log_schema())]
)
def test_the_published_schemas_are_current(name: str, schema: object) -> None:
    published = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    assert published == json.loads(json.dumps(schema)), "run `make schema`"
    jsonschema.Draft202012Validator.check_schema(published)


def test_a_dry_run_gives_every_tag_with_its_reason(shop: Bench) -> None:
    before = shop.contents()
    ran = shop.cleanup("--dry-run")
    assert ran.code == 0
    lines = [line.split(maxsplit=2) for line in ran.out.splitlines() if line.startswith(("  stay ", "  go "))]
    assert sorted(line[1] for line in lines) == sorted(tag for tags, _ in before.values() for tag in tags)
    assert all(len(line[2]) > 10 for line in lines)
    assert "Nothing was deleted." in ran.out
    assert "origin was not asked" not in ran.out, "there is none"
    assert shop.contents() == before


def test_json_is_one_document_that_the_published_schema_describes(shop: Bench) -> None:
    for arguments, ending in ((["--dry-run"], "planned"), ([], "done"), ([], "nothing-to-do")):
        ran = shop.cleanup(*arguments, "--output=json")
        assert ran.code == 0
        document = ran.json
        assert document["ending"] == ending
        assert document["error"] is None
        assert (document["run"] is not None) == (ending == "done")


def test_a_plan_is_made_by_one_and_executed_by_another(shop: Bench, tmp_path: Path) -> None:
    before = shop.contents()
    file = tmp_path / "plan.json"
    made = shop.cleanup("--plan-out", str(file))
    assert made.code == 0
    assert f"`holystone apply {file}` executes it" in made.err
    assert shop.contents() == before
    plan = content(file)
    for line in file.read_text().splitlines():
        jsonschema.validate(json.loads(line), json.loads((SCHEMAS / "plan.schema.json").read_text()))
    applied = shop.run("apply", str(file))
    assert applied.code == 0
    kept = {each["repository"]["path"]: {tag["tag"] for tag in each["kept"]} for each in plan["repositories"]}
    assert {name: tags.keys() for name, (tags, _) in shop.contents().items()} == kept
    again = shop.run("apply", str(file))
    assert again.code == 0, "what is gone already is no failure"


@pytest.mark.parametrize(("half", "other"), [("images", "shop/stages"), ("stages", "shop/app/front")])
def test_one_half_alone(shop: Bench, half: str, other: str) -> None:
    before = shop.contents()
    ran = shop.run(half, "cleanup", *shop.addresses())
    assert ran.code == 0
    after = shop.contents()
    if half == "stages":
        assert after[other] == before[other]
    else:
        assert len(after["shop/app/front"][0]) == 3
        stages = {tag for tag in before[other][0] if not tag.startswith("image-metadata")}
        assert stages <= after[other][0].keys(), "records of images go with them, stages do not"


def test_runs(shop: Bench) -> None:
    empty = shop.run("runs")
    assert (empty.code, empty.out) == (0, "")
    assert "has no run" in empty.err
    assert shop.run("runs", "--output=json").json["runs"] == []
    run = shop.cleanup("--output=json").json["run"]
    head, line = shop.run("runs").out.splitlines()
    assert head.split() == ["RUN", "STATE", "ENDED", "(UTC)", "COMMAND"]
    stamp = f"{run[:4]}-{run[4:6]}-{run[6:8]}"
    assert re.fullmatch(rf"{run}  finished  {stamp} \d\d:\d\d  cleanup", line), "midnight apart"
    assert line.index("cleanup") == head.index("COMMAND")
    (listed,) = shop.run("runs", "--output=json").json["runs"]
    assert (listed["id"], listed["state"], listed["command"]) == (run, "finished", "cleanup")
    assert now() - 60 < listed["started"] <= listed["ended"] <= now()


def test_runs_loads_nothing_that_deletes(shop: Bench) -> None:
    """What talks to registries takes most of a second of a processor to load, what logs a tenth of one."""
    program = """
import sys
from holystone.cli.main import main
sys.argv = ["holystone", "runs"]
try:
    main()
except SystemExit as end:
    registries = "holystone.adapters.registries.connections"
    heavy = ("aiohttp", "structlog", "holystone.policies.werf", "holystone.engine.executor", registries)
    print(end.code, [name for name in heavy if name in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], env=shop.environment(), capture_output=True, text=True, check=True
    )
    assert ran.stdout == "0 []\n"


def test_variables_only(shop: Bench, tmp_path: Path) -> None:
    host = shop.registry.host
    ran = shop.run(
        "cleanup",
        env={
            "WERF_IMAGES_REPO": f"{host}/shop/app",
            "WERF_STAGES_STORAGE": f"{host}/shop/stages",
            "WERF_DRY_RUN": "true",
            "WERF_LOG_QUIET": "1",
            "HOLYSTONE_OUTPUT": "json",
            "HOLYSTONE_STATE_DIR": str(tmp_path / "state"),
            "HOLYSTONE_CACHE_DIR": str(tmp_path / "cache"),
        },
    )
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["ending"] == "planned"
    assert (tmp_path / "cache").is_dir()


@pytest.mark.slow
def test_a_whole_run_as_a_process(shop: Bench) -> None:
    ran = shop.spawn("cleanup", *shop.addresses(), "--without-kube")
    assert ran.code == 0
    assert ran.err.startswith("holystone: run ")
    assert "is done. All 28 tags that were to stay are still there." in ran.out


def test_options_without_effect_are_told(shop: Bench) -> None:
    ran = shop.cleanup("--dry-run", "--synchronization", "kubernetes://x", "--without-kube")
    assert ran.code == 0
    assert ran.notes == ["holystone: note: --synchronization has no effect: a cleanup takes none of werf's locks."]


@pytest.mark.parametrize(
    "words", [[], ["cleanup"], ["images", "cleanup"], ["stages", "cleanup"], ["apply"], ["resume"], ["runs"], ["demo"]]
)
def test_help(shop: Bench, words: list[str]) -> None:
    ran = shop.run(*words, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: holystone {' '.join(words)}".strip() in ran.out
    if "cleanup" in words:
        for option in ("--images-repo", "--stages-storage", "--dry-run", "--plan-out", "$WERF_STAGES_STORAGE"):
            assert option in ran.out


def test_version(shop: Bench) -> None:
    ran = shop.run("--version")
    assert ran.out.startswith("holystone ")
    assert ran.code == 0


def test_before_anything_goes_it_is_said_whether_it_can_be_put_back(shop: Bench) -> None:
    dry = shop.run("cleanup", *shop.addresses(), "--dry-run")
    assert "undo: possible until the registry's garbage collection runs" in dry.out.splitlines()
    planned = shop.run("cleanup", *shop.addresses(), "--dry-run", "--output=json").json["plan"]
    outlooks = [each["undo"] for each in planned["repositories"] if each["passes"]]
    assert outlooks
    assert all(each == {"way": "push", "seconds": None, "lacks": "", "doubt": ""} for each in outlooks)
    ran = shop.run("cleanup", *shop.addresses())
    said = "undo: possible until the registry's garbage collection runs"
    assert (ran.out + ran.err).count(said) == 1
    assert ran.out.index(said) < ran.out.index(" is done.")
