"""Many repositories in one run, and few open files: a process usually may have 1,024."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import bench, now
from tests.support.tiny_project import tiny_project

MANY, FEW_FILES = 80, 64


@pytest.mark.slow
def test_repositories_are_not_counted_in_open_files(tmp_path: Path) -> None:
    with bench(tmp_path) as shop:
        images = [f"i{number}" for number in range(MANY)]
        project = tiny_project(shop.project, shop.registry.storage, now=now(), commits=2, images=images)
        done = subprocess.run(
            [sys.executable, "-m", "holystone.cli", "cleanup", *shop.addresses(), "--yes-delete-that-many"],
            cwd=shop.project,
            env=shop.environment(),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FEW_FILES, FEW_FILES)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert "Too many open files" not in done.stderr
        left = [tags for path, (tags, _) in shop.contents().items() if path.startswith("shop/app/")]
        assert len(left) >= MANY
        assert sum(map(len, left)) < len(project.tags)
