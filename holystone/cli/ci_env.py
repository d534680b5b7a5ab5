"""`holystone ci-env`: a folder with the job's login, and the variables that the rest of the job reads.

The user's own Docker configuration is copied, not written to: jobs run side by side, and a job's token is its own. The
folder must outlive this command, and nobody tells when the job is over: as with werf, a later one clears away.
"""

import base64
import json
import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from holystone.adapters.files import read_file
from holystone.adapters.http.authorization import opened_bytes
from holystone.engine.errors import UsageError, shell_word
from holystone.settings import options as o
from holystone.settings.ci_systems import CiJob, CiSystem, Login, job_of
from holystone.settings.given import Given, Options
from holystone.ui import output

_SHELLS: Final = ("default",)
_PREFIX: Final = "holystone-ci-env-"
_LARGEST: Final = 16 << 20
"""Bytes of Docker's configuration."""
_OVER: Final = 7 * 86_400
"""Seconds after which a job is. GitHub ends its own after five days."""


def ci_env(system: CiSystem, options: Options, environ: Mapping[str, str]) -> int:
    """Raises UsageError."""
    given = Given(options, environ)
    given.word((o.SHELL,), _SHELLS, "default")
    given.word((o.TAGGING_STRATEGY,), ("stages-signature", "tag-or-branch"), "stages-signature")
    job = job_of(system, environ)
    with _folder(environ.get("RUNNER_TEMP")) as folder:
        return _written(given, job, environ, folder)


def _written(given: Given, job: CiJob, environ: Mapping[str, str], folder: Path) -> int:
    config = given.path(o.DOCKER_CONFIG) or given.home / ".docker"
    _write(folder / "config.json", json.dumps(_with_login(_read(config / "config.json"), job.login), indent=1))
    as_file, as_env_file = given.flag(o.AS_FILE), given.flag(o.AS_ENV_FILE)
    places = [name for name in o.DOCKER_CONFIG.variables if name == "DOCKER_CONFIG" or environ.get(name)]
    variables = {**dict.fromkeys(places, str(folder)), **job.variables}
    if as_env_file:
        lines = [f"{name}={_line(name, value)}" for name, value in variables.items()]
        lines += [f"{name}={_line(name, environ[source])}" for name, source in job.secrets.items()]
    else:
        lines = [f"export {name}={shell_word(_line(name, value))}" for name, value in variables.items()]
        lines += [f'export {name}="${source}"' for name, source in job.secrets.items()]
    target = given.path(o.OUTPUT_FILE_PATH)
    if not (as_file or as_env_file or target):
        output.report(*lines)
        return 0
    file = target or folder / ("env" if as_env_file else "source")
    _write(file, "".join(f"{line}\n" for line in lines), adds=_is_of_the_step(file, environ.get("GITHUB_ENV")))
    if target is None:
        output.report(str(file))
    return 0


@contextmanager
def _folder(runner_temp: str | None) -> Iterator[Path]:
    """A new folder, which is away again if it was not filled: with the job's login in it, it is no use to anybody.
    Raises UsageError."""
    with _clearing_away():
        yield from _made(runner_temp)


@contextmanager
def _clearing_away() -> Iterator[None]:
    """A signal within is an exception, so that what is half made is cleared away. Before and after, a signal ends the
    program on the spot (`start`)."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each, how in before.items():
        if how is not signal.SIG_IGN:
            signal.signal(each, signal.default_int_handler)
    try:
        yield
    finally:
        for each, how in before.items():
            signal.signal(each, how)


def _made(runner_temp: str | None) -> Iterator[Path]:
    try:
        made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=runner_temp or None))
    except OSError as error:
        where = "$RUNNER_TEMP" if runner_temp else "$TMPDIR"
        raise UsageError(f"No folder can be made in {where}: {error.strerror}") from error
    for folder in made.parent.glob(f"{_PREFIX}*"):
        if _is_left_over(folder):
            shutil.rmtree(folder, ignore_errors=True)
    try:
        yield made
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _is_left_over(folder: Path) -> bool:
    """Whether the folder is of an earlier job: made by this user and open to nobody else, long ago."""
    try:
        there = folder.lstat()
    except OSError:
        return False
    ours = stat.S_ISDIR(there.st_mode) and stat.S_IMODE(there.st_mode) == 0o700 and there.st_uid == os.geteuid()
    return ours and there.st_mtime < time.time() - _OVER


def _line(name: str, value: str) -> str:
    if value.splitlines() not in ([], [value]):
        raise UsageError(f"{name} would have more than one line")
    return value


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_file(file, _LARGEST).decode("utf-8-sig") or "{}")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError(f"{file} is no configuration of Docker's, or cannot be read")
    return found


def _with_login(config: dict[str, Any], login: Login | None) -> dict[str, Any]:
    """The job's own login for its registry, and no helper or store before it; everything else as it was."""
    if login is None:
        return config
    word = base64.b64encode(login.user.encode() + b":" + opened_bytes(login.password)).decode()
    auths, helpers = (config.get(key) for key in ("auths", "credHelpers"))
    config["auths"] = {**(auths if isinstance(auths, dict) else {}), login.host: {"auth": word}}
    if isinstance(helpers, dict) or config.get("credsStore"):
        config["credHelpers"] = {**(helpers if isinstance(helpers, dict) else {}), login.host: ""}
    return config


def _is_of_the_step(file: Path, github_env: str | None) -> bool:
    """Whether a step of GitHub's adds its variables there (docs.github.com, Workflow commands, Environment files)."""
    try:
        return bool(github_env) and file.samefile(github_env or "")
    except OSError:
        return False


def _write(file: Path, text: str, *, adds: bool = False) -> None:
    """Readable by its owner alone: the one has a token in it, and so may the other. Raises UsageError."""
    how = os.O_APPEND if adds else os.O_TRUNC
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600), "w", encoding="utf-8") as opened:
            if stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                os.fchmod(opened.fileno(), 0o600)  # one that was there keeps what it had
            # The last line of what was there may have no end; an empty one is passed over.
            opened.write(f"\n{text}" if adds else text)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
