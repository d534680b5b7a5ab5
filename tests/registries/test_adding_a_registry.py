"""docs/adding-a-registry.md is all that it takes: the files of a small registry are put where it says, into a copy of
the project, the line is added, and what is asked of every registry is asked of that one."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = Path(__file__).parent / "a_new_registry"
NAME: Final = "pantry"
LIST: Final = Path("adapters/holystone/adapters/registries/implementations.py")
PATHS: Final = re.compile(r"`((?:adapters|tests)/[\w/]*NAME[\w/.]*)`")


def files() -> Iterator[Path]:
    return (each.relative_to(EXAMPLE) for each in EXAMPLE.rglob("*.py"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Links to everything of the project, folders that get something new apart."""
    made = tmp_path_factory.mktemp("project")
    _link(ROOT, made)
    for each in files():
        _open(made, each.parent)
        (made / each).symlink_to(EXAMPLE / each)
    text = (ROOT / LIST).read_text()
    with_one_more = re.sub(r'(IMPLEMENTATIONS: Final = \(.*"\w+")', rf'\1, "{NAME}"', text)
    assert with_one_more != text
    (made / LIST).unlink()
    (made / LIST).write_text(with_one_more)
    return made


def _open(made: Path, folder: Path) -> None:
    """Makes a folder of a link to one."""
    if folder == Path():
        return
    _open(made, folder.parent)
    if (made / folder).is_symlink():
        (made / folder).unlink()
        _link(ROOT / folder, made / folder)
    (made / folder).mkdir(exist_ok=True)


def _link(folder: Path, to: Path) -> None:
    to.mkdir(exist_ok=True)
    for each in folder.iterdir():
        if not each.name.startswith(".") and each.name != "__pycache__":
            (to / each.name).symlink_to(each)


def python(project: Path, *arguments: str) -> str:
    roots = (project, project / "engine", project / "adapters", project / "policies")
    apart = ("PYTEST_", "WERF_", "HOLYSTONE_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(apart)}
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd=project,
        env={**environ, "PYTHONPATH": os.pathsep.join(map(str, roots)), "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_guide_names_every_file_and_the_line() -> None:
    guide = (ROOT / "docs/adding-a-registry.md").read_text()
    assert {path.replace("NAME", NAME) for path in PATHS.findall(guide)} == set(map(str, files()))
    assert f"`{LIST}`" in guide


def test_its_name_and_its_option_are_the_command_lines(copy: Path) -> None:
    shown = " ".join(python(copy, "-m", "holystone.cli", "cleanup", "--help").split())
    assert f"quay, {NAME} or auto" in shown
    assert "--repo-pantry-token TEXT Pantry token (with the role keeper), for both repositories." in shown
    assert "$HOLYSTONE_REPO_PANTRY_TOKEN" in shown


PROGRAM: Final = """
import json
from holystone.adapters.registries.detection import detect, is_vendors_own
from holystone.engine.errors import UsageError
from holystone.engine.names import parse_address
from holystone.settings.access import resolve_access
from holystone.settings.given import Given

found = []
for host in ("eu.pantry.example", "pantry.example.com", "mirror.pantry.example"):
    each = parse_address(host + "/shop")
    try:
        found.append([detect(each), is_vendors_own(each.host, "pantry")])
    except UsageError as refused:
        found.append(refused.message)
access = resolve_access(Given({}, {"HOLYSTONE_IMAGES_REPO_PANTRY_TOKEN": "flour"}))
logins = {place: {name: login.origin for name, login in at.logins.items()} for place, at in access.items()}
print(json.dumps([found, logins]))
"""


def test_its_hosts_are_detected_and_its_login_is_read(copy: Path) -> None:
    found, logins = json.loads(python(copy, "-c", PROGRAM))
    assert found == [
        [[NAME, "name"], True],
        [[NAME, "name"], False],
        "The registry mirror.pantry.example cannot be cleaned. It is a read-only mirror.",
    ]
    assert logins == {"images": {NAME: "$HOLYSTONE_IMAGES_REPO_PANTRY_TOKEN"}, "stages": {}}


def test_its_profile_is_on_the_page(copy: Path, tmp_path: Path) -> None:
    python(copy, "scripts/write-registries.py", str(tmp_path / "registries.md"))
    page = (tmp_path / "registries.md").read_text()
    assert f"\n| [`{NAME}`](#{NAME}) | one reply | 1 | yes | stay | deleted by digest | adaptive | push |\n" in page
    assert f"\n## {NAME}\n\nPantry.\n\n- **Hosts**: *.pantry.example" in page


def asked(project: Path, folder: Path, *which: str) -> str:
    """By a test run of its own."""
    apart = ("-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={folder / 'theirs'}")
    return python(project, "-m", "pytest", *apart, *which)


@pytest.mark.slow
def test_it_is_recognized_listed_and_cleaned(copy: Path, tmp_path: Path) -> None:
    """Through `Connections`, and by the command line."""
    some = (
        "registries/test_asked_hosts.py::test_every_vendor_on_a_strange_host",
        "docs/test_registries_page.py::test_what_is_declared_is_of_this_registry",
        "contract/test_contract_reading.py::test_a_repository_that_is_not_there_is_never_an_empty_one",
        "contract/test_contract_deleting.py::test_doomed_tags_and_their_manifests_go_and_nothing_else",
        "contract/test_contract_command_line.py::test_a_project_is_cleaned",
    )
    said = asked(copy, tmp_path, *(f"tests/{each}[{NAME}]" for each in some))
    assert f"{len(some)} passed in " in said, said


@pytest.mark.exhaustive
@pytest.mark.slow
def test_all_that_is_asked_of_every_registry_is_asked_of_it(copy: Path, tmp_path: Path) -> None:
    every = ("tests/contract", "tests/cli/test_cli_claims.py", "tests/registries/test_asked_hosts.py")
    said = asked(copy, tmp_path, *every, "-k", NAME, "-m", "not exhaustive and not real")
    assert int(re.findall(r"(\d+) passed", said)[-1]) > 50, said
