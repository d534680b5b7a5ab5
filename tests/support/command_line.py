"""The command line as a person meets it, with a registry that serves from a thread of its own."""

import io
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest import mock

import jsonschema
from anyio.from_thread import BlockingPortal, start_blocking_portal

from holystone.adapters.http import watch
from holystone.cli.main import main
from holystone.embedded.access import Auth
from holystone.embedded.faults import Answer, Fault
from holystone.embedded.quirks import DISTRIBUTION_2_8, Quirks
from holystone.embedded.server import EmbeddedRegistry, Latency
from holystone.engine.executor import check
from holystone.engine.report.document import document_schema
from holystone.engine.scheduler import pause, retry
from holystone.engine.undo import putting
from holystone.ui import json_lines
from holystone.ui.log_schema import log_schema
from tests.support.tiny_project import Contents, contents

_OURS: Final = ("WERF_", "HOLYSTONE_", "KUBE", "DOCKER_", "GIT_", "XDG_", "HTTP", "NO_PROXY")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output, which must be valid."""
        document = json.loads(self.out)
        _validator().validate(document)
        return document

    @property
    def log(self) -> list[Any]:
        """The lines on standard error as JSON, of which each must be valid."""
        lines = [json.loads(line) for line in self.err.splitlines()]
        for line in lines:
            _log_validator().validate(line)
        return lines

    @property
    def notes(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("holystone: note: ")]

    @property
    def message(self) -> str:
        """What a person reads on standard error besides notes and progress: `holystone: …` and indented lines, once."""
        others = ("holystone: note: ", "holystone: reading, ")
        lines = [line for line in self.err.splitlines() if not line.startswith(others)]
        assert lines, "nothing was said on standard error"
        assert lines[0].startswith("holystone: "), self.err
        assert all(line.startswith("  ") and line.strip() for line in lines[1:]), self.err
        said = [line.strip().removeprefix("| ") for line in (lines[0].removeprefix("holystone:"), *lines[1:])]
        assert all(each not in other for each in said for other in said if other is not each), self.err
        assert len(set(said)) == len(said), self.err
        assert all(each[0].isprintable() and "Traceback" not in each for each in said), self.err
        return "\n".join(said)


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(document_schema())


@cache
def _log_validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(log_schema())


@dataclass
class Bench:
    """A registry, and a person with a home folder and a project."""

    portal: BlockingPortal
    registry: EmbeddedRegistry
    home: Path
    project: Path
    env: dict[str, str] = field(default_factory=lambda: {"WERF_WITHOUT_KUBE": "true"})
    """No cluster is asked, unless a test takes this away."""
    options: list[str] = field(default_factory=list)
    """Of every command that cleans."""

    def addresses(self, images: str = "shop/app", stages: str = "shop/stages") -> list[str]:
        host = self.registry.host
        return ["--images-repo", f"{host}/{images}", "--stages-storage", f"{host}/{stages}"]

    def cleanup(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        return self.run("cleanup", *(self.options or self.addresses()), *arguments, env=env)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Ran:
        """In this process, which is quick, with waits that are no waits."""
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with (
            mock.patch.dict(os.environ, self._environment(env or {}), clear=True),
            mock.patch.object(sys, "argv", ["holystone", *arguments]),
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()))),
            chdir(self.project),
            hasty(),
            standard_error_as_it_was(),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(bool(end.code))
        return Ran(code, out.getvalue(), err.getvalue())

    def spawn(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Ran:
        """As a process of its own, with `stdin` in a pipe."""
        done = subprocess.run(
            [sys.executable, "-m", "holystone.cli", *arguments],
            cwd=self.project,
            env=self._environment(env or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def environment(self) -> dict[str, str]:
        """Of a process of its own."""
        return self._environment({})

    def docker_config(self, **content: Any) -> None:
        (self.home / ".docker").mkdir(exist_ok=True)
        (self.home / ".docker" / "config.json").write_text(json.dumps(content))

    def contents(self) -> Contents:
        return contents(self.registry.storage)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(_OURS)}
        return {**kept, "HOME": str(self.home), **self.env, **more}


@contextmanager
def bench(
    folder: Path,
    *,
    quirks: Quirks = DISTRIBUTION_2_8,
    auth: Auth | None = None,
    latency: Latency | None = None,
    faults: tuple[Fault, ...] = (),
    registry: EmbeddedRegistry | None = None,
) -> Iterator[Bench]:
    """`registry`: another one than what the rest says."""
    home, project = folder / "home", folder / "project"
    home.mkdir(parents=True)
    project.mkdir()
    registry = registry or EmbeddedRegistry(quirks=quirks, auth=auth, latency=latency, faults=faults)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(registry):
        yield Bench(portal, registry, home, project)


@contextmanager
def standard_error_as_it_was() -> Iterator[None]:
    """The form of standard error is the process's, and so is who prints what Python itself says there."""
    with (
        mock.patch.object(json_lines._Form, "is_json", new=False),
        mock.patch.object(sys, "unraisablehook", sys.unraisablehook),
    ):
        try:
            yield
        finally:
            logging.captureWarnings(capture=False)


@contextmanager
def hasty() -> Iterator[None]:
    """Retries and probes follow each other at once, and no time is given to replies that nobody asked for."""
    with (
        mock.patch.object(watch, "_LEAST", 0.0),
        mock.patch.object(watch, "_MOST", 0.0),
        mock.patch.object(retry, "_BASE", 0.001),
        mock.patch.object(retry, "_CAP", 0.001),
        mock.patch.object(pause, "_FIRST", 0.001),
        mock.patch.object(pause, "_LONGEST", 0.001),
        mock.patch.object(check, "_PAUSE", 0.001),
        mock.patch.object(putting, "_PAUSES", (0.001, 0.001, 0.001)),
    ):
        yield


def always(path: str, status: int, body: bytes = b"", method: str = "GET", **headers: str) -> Fault:
    """The registry says this to every such request."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(method, path, Answer(status, body, named), times=None)


def now() -> int:
    return int(time.time())
