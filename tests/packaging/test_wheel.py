"""The built wheel, in an empty environment, from an empty folder: what a user gets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_runs_the_demo_in_an_empty_environment(tmp_path: Path) -> None:
    def run(*command: str | Path, cwd: Path = tmp_path) -> str:
        done = subprocess.run([str(each) for each in command], capture_output=True, text=True, cwd=cwd, env=environment)
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "WERF_"))}
    environment["HOME"] = str(tmp_path)
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("holystone-*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "empty")
    python = tmp_path / "empty" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", ROOT / "locks" / "runtime.txt")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel)
    program = tmp_path / "empty" / "bin" / "holystone"
    assert "Exit codes" in run(program, "--help")
    assert "still there" in run(program, "demo")
