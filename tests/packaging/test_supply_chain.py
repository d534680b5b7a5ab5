"""What is built comes from the locks and from the sources alone, so that anybody can build a release again."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "locks" / f"{name}.txt").read_text()
    assert "--hash=sha256:" in text
    return {each[1]: each[2] for each in re.finditer(r"^([\w-]+)==(\S+)", text, re.MULTILINE)}


def test_the_build_backend_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    backend = f"hatchling=={locked('build')['hatchling']}"
    assert project["build-system"]["requires"] == [backend]
    assert project["dependency-groups"]["build"] == [backend]


@pytest.mark.parametrize("name", ["build", "clouds", "runtime"])
def test_what_users_get_is_what_the_tests_ran_with(name: str) -> None:
    assert locked(name).items() <= locked("dev").items()


def test_every_lock_names_a_hash_for_each_package() -> None:
    for path in (ROOT / "locks").glob("*.txt"):
        packages = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n?", "", path.read_text(), flags=re.MULTILINE).strip())
        assert not [package for package in packages if "--hash=sha256:" not in package], path


def test_no_script_builds_with_what_it_fetches_unchecked() -> None:
    scripts = "\n".join(path.read_text() for path in (ROOT / "scripts").iterdir())
    assert "--editable" in scripts
    assert all("--no-build-isolation" in line for line in scripts.splitlines() if "--editable" in line)
    assert all("--no-isolation" in line for line in scripts.splitlines() if "-m build" in line)


@pytest.mark.slow
def test_two_builds_are_equal(tmp_path: Path) -> None:
    """In folders of other names, with files of other times, under other masks, on another day."""

    def built(name: str, mask: int, day: int) -> dict[str, bytes]:
        source = tmp_path / name / "source"
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".git", ".venv", ".*_cache", "dist", ".hypothesis"))
        for path in source.rglob("*"):
            os.utime(path, (day, day))
        done = subprocess.run(
            ["scripts/make-dist.sh", Path(sys.prefix) / "bin", tmp_path / name / "dist"],
            cwd=source, capture_output=True, text=True, umask=mask,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return {path.name: path.read_bytes() for path in (tmp_path / name / "dist").iterdir()}

    one, other = built("one", 0o022, 1_500_000_000), built("other", 0o077, 1_700_000_000)
    assert sorted(Path(name).suffix for name in one) == ["", ".gz", ".json", ".whl"]
    assert [name for name in one if one[name] != other[name]] == []

    (bill,) = (json.loads(body) for name, body in one.items() if name.endswith(".cdx.json"))
    assert bill["bomFormat"] == "CycloneDX"
    assert {each["name"]: each["version"] for each in bill["components"]} == locked("clouds")
