"""A clone with an `origin`, worked on with the git program as people do."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from holystone.engine.model.references import Commit
from tests.support.expected_survivors import HOUR
from tests.support.programs import require

_SOMEBODY = {"NAME": "Bosun", "EMAIL": "bosun@example.com"}
_ENVIRONMENT = {
    **{f"GIT_{who}_{what}": said for who in ("AUTHOR", "COMMITTER") for what, said in _SOMEBODY.items()},
    "GIT_CONFIG_GLOBAL": os.devnull,  # what the developer has set for himself stays out
    "GIT_CONFIG_SYSTEM": os.devnull,
}


class GitClone:
    """`master` is on origin, with one commit of long ago that nothing was ever built from."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "clone"
        self._origin = folder / "origin.git"
        self._program = require("git")
        self._now = int(time.time())
        self._run("init", "--quiet", "--bare", "--initial-branch=master", str(self._origin), at=folder)
        self._run("init", "--quiet", "--initial-branch=master", str(self.path), at=folder)
        self._run("remote", "add", "origin", str(self._origin))
        self.commit(hours_ago=1_000)
        self.push("master")

    @property
    def head(self) -> Commit:
        return Commit.parse(self._run("rev-parse", "HEAD"))

    def commit(self, *, hours_ago: float = 0, amend: bool = False) -> Commit:
        """An empty one; the time is the committer's."""
        how = ("--amend",) if amend else ()
        self._run("commit", "--quiet", "--allow-empty", "--message=Change", *how, hours_ago=hours_ago)
        return self.head

    def write(self, name: str, text: str) -> None:
        """A file as it will stand in the next commit."""
        (self.path / name).write_text(text)
        self._run("add", name)

    def grow(self, number: int) -> None:
        """So many more commits, which are pushed."""
        branch = self._run("symbolic-ref", "HEAD")
        one = f"commit {branch}\ncommitter Bosun <bosun@example.com> {self._now} +0000\ndata 0\n"
        first = f"from {branch}^0\n\n"
        self._run("fast-import", "--quiet", told=one + first + f"{one}\n" * (number - 1))
        self.push("HEAD")

    def begin(self, branch: str, *, start: str = "HEAD") -> None:
        """A new one, checked out."""
        self._run("checkout", "--quiet", "-b", branch, start)

    def push(self, *references: str, force: bool = False) -> None:
        self._run("push", "--quiet", *(("--force",) if force else ()), "origin", *references)

    def tag(self, name: str) -> None:
        self._run("tag", name)

    def delete_tag(self, name: str) -> None:
        """Here and on origin."""
        self._run("tag", "--delete", name)
        self._run("push", "--quiet", "origin", "--delete", name)

    def push_elsewhere(self, branch: str) -> None:
        """Somebody else makes it on origin, and this clone does not hear of it."""
        self._run("branch", branch, "master", at=self._origin)

    def forget_branches(self) -> None:
        """Origin's, as a clone has none that fetched a single commit."""
        for name in self._run("for-each-ref", "--format=%(refname)", "refs/remotes/origin").splitlines():
            self._run("update-ref", "-d", name)

    def forget_tag(self, name: str) -> None:
        """Here alone."""
        self._run("tag", "--delete", name)

    def lose_origin(self) -> None:
        """It cannot be reached."""
        self._origin.rename(self._origin.with_name("elsewhere.git"))

    def make_origin_anew(self) -> None:
        """Without anything in it."""
        shutil.rmtree(self._origin)
        self._run("init", "--quiet", "--bare", "--initial-branch=master", str(self._origin), at=self._origin.parent)

    def delete_branch_on_origin(self, name: str) -> None:
        """Somebody else does it, and this clone hears of it."""
        self._run("branch", "--quiet", "--delete", "--force", name, at=self._origin)
        self._run("fetch", "--quiet", "--prune")

    def _run(self, *arguments: str, at: Path | None = None, hours_ago: float = 0, told: str = "") -> str:
        then = f"{self._now - int(hours_ago * HOUR)} +0000"
        done = subprocess.run(
            (self._program, *arguments),
            cwd=at or self.path,
            env={"PATH": os.environ["PATH"], "GIT_COMMITTER_DATE": then, **_ENVIRONMENT},
            input=told,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
