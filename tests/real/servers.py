"""Every registry server that can be had without an account: how it is found, started and configured, and what it does
otherwise than the others. README.md in this folder says the same to people.

Some are installed by `make servers`, in the versions that go-servers.txt pins. The others are named by a variable:
HOLYSTONE_REAL_OLAREG=/path/to/olareg#VERSION, or an address, http://USER:PASSWORD@127.0.0.1:5000/ACCOUNT?NAME=VALUE#VERSION,
of which only host and port are needed: NAME=VALUE are variables that a run is to be given, and #VERSION is for servers
that do not say it themselves.
"""

import base64
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import Request

from holystone.engine.model.references import RepositoryPath
from tests.real.processes import OPENER, Running, answers, free_port, output, process

Types: TypeAlias = Literal["docker", "oci"]
"""Of an image's manifest and configuration; an index is OCI's."""
Start: TypeAlias = Callable[[Path, Path, bool], AbstractContextManager[Running]]
"""`program`, `folder` and whether garbage is to be collected quickly, where a server does so by itself."""
_PUSHED: Final = 60
"""Seconds after which a push has come to its end and what has no tag is garbage. With two, servers took the children of
an index that was still to be pushed."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a server lets people push; random repositories leave out the rest."""

    types: tuple[Types, ...] = ("docker", "oci")
    nested: bool = True
    """An index in an index."""
    subjects: Literal["any", "images", "none"] = "any"
    """What a manifest may refer to: `images` only, and no index."""


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    start: Start
    installed: Callable[[], Path | None] | None = None
    """Where `make servers` puts it. None: only its variable brings it."""
    pinned: str = ""
    """The version that is installed, where the program itself does not know it."""
    takes: Takes = field(default_factory=Takes)
    pages: bool = True
    """A listing comes in pages."""
    absent_is_empty: bool = False
    """A repository that nobody ever pushed to is listed, without tags."""
    collects: Callable[[Running, Iterable[RepositoryPath]], None] | None = None
    """Lets the garbage of a server that was named by its address be collected."""

    @property
    def variable(self) -> str:
        return f"HOLYSTONE_REAL_{self.name.upper().replace('-', '_').replace('.', '_')}"

    @property
    def where(self) -> str:
        """Program or address; empty if it is absent."""
        if given := os.environ.get(self.variable):
            return given
        path = self.installed() if self.installed else None
        return str(path or "")

    @property
    def absent(self) -> str:
        """Why, and what would bring it; empty if it is there."""
        if self.where:
            return ""
        how = "`make servers` installs it where it may" if self.installed else "a program or an address"
        return f"{self.name} is absent: {self.variable} names it ({how})"

    @contextmanager
    def running(self, folder: Path, *, collecting: bool = False) -> Iterator[Running]:
        """`collecting`: garbage is collected every few seconds, where a server does so by itself."""
        where = self.where
        if where.startswith(("http://", "https://")):
            running = _addressed(where)
            yield replace(running, collect=partial(self.collects, running)) if self.collects else running
        else:
            program, _, version = where.partition("#")
            with self.start(Path(program), folder, collecting) as running:
                pinned = "" if self.variable in os.environ else self.pinned
                yield replace(running, version=version or pinned or running.version)


def _addressed(address: str) -> Running:
    parts = urlsplit(address)
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    authority = parts.netloc.rpartition("@")[2]
    environ = dict(parse_qsl(parts.query))
    return Running(
        f"{parts.scheme}://{authority}",
        parts.fragment or "unknown",
        parts.path.strip("/") or "team",
        login,
        environ=environ,
        implementation=environ.get("WERF_REPO_IMPLEMENTATION"),
    )


def _version(program: Path, *arguments: str) -> str:
    """As the program says it."""
    text = output(program, *arguments)
    text = text.rpartition("version " if "version " in text else " ")[2]
    found = re.search(r"\d+\.\d+(\.\d+)?([-+~.]\w+)*", text)
    return found[0] if found else "unknown"


# distribution and its descendants


@contextmanager
def _distribution(program: Path, folder: Path, _: bool, **more: object) -> Iterator[Running]:
    """`more`: sections of the configuration."""
    port = free_port()
    config = folder / "config.yml"
    sections = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}"},
        **more,
    }
    config.write_text(json.dumps(sections))  # JSON is YAML
    if "database" in more:
        output(program, "database", "migrate", "up", config)
    url = f"http://127.0.0.1:{port}"
    with process((program, "serve", config), folder, ready=answers(url), environ={"OTEL_TRACES_EXPORTER": "none"}):

        def collect(_: object) -> None:
            output(program, "garbage-collect", config)

        yield Running(url, _version(program, "--version"), collect=None if "database" in more else collect)


@contextmanager
def _gitlab_database(program: Path, folder: Path, _: bool) -> Iterator[Running]:
    """With a PostgreSQL of its own. Garbage goes by itself, a day after it has become that."""
    user, name = "registry", "registry"
    with _postgresql(folder / "postgresql", user, name) as port:
        database = {"enabled": True, "host": "127.0.0.1", "port": port, "user": user, "dbname": name}
        # By default no connection is kept, and each new one reads about hundreds of partitions.
        database |= {"sslmode": "disable", "pool": {"maxidle": 16, "maxopen": 16}}
        with _distribution(program, folder, False, database=database) as running:
            yield running


@contextmanager
def _postgresql(folder: Path, user: str, database: str) -> Iterator[int]:
    """Its port. It refuses to be root's, so that Debian's user has it where we are root."""
    programs = Path(shutil.which("postgres") or sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))[-1])
    at = programs.resolve().parent
    owner = "postgres" if os.geteuid() == 0 else None
    folder.mkdir()
    if owner:
        shutil.chown(folder, owner)
    port = free_port()
    output(at / "initdb", "-D", folder / "data", "-U", user, "--auth=trust", "--no-sync", user=owner)
    serve = (at / "postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F")

    def ready() -> bool:
        asked = (at / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-q")
        return subprocess.run(asked, check=False).returncode == 0

    with process(serve, folder, ready=ready, user=owner):
        output(at / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", user, database)
        yield port


# zot


@contextmanager
def _zot(program: Path, folder: Path, collecting: bool, *, full: bool) -> Iterator[Running]:
    port = free_port()
    storage: dict[str, object] = {"rootDirectory": str(folder / "storage"), "gc": True, "dedupe": True}
    if collecting:
        storage |= {"gcDelay": f"{_PUSHED}s", "gcInterval": "10s"}
    config: dict[str, object] = {
        "distSpecVersion": "1.1.1",
        "storage": storage,
        "http": {"address": "127.0.0.1", "port": str(port), "compat": ["docker2s2"]},
        "log": {"level": "warn"},
    }
    if full:
        config["extensions"] = {"search": {"enable": True}, "ui": {"enable": True}, "mgmt": {"enable": True}}
    file = folder / "config.json"
    file.write_text(json.dumps(config))
    with process((program, "serve", file), folder, ready=answers(f"http://127.0.0.1:{port}")):
        yield Running(
            f"http://127.0.0.1:{port}",
            _version(program, "--version"),
            collect=(lambda _: time.sleep(_PUSHED + 25)) if collecting else None,
        )


# Servers that are one small program


@contextmanager
def _ggcr(program: Path, folder: Path, _: bool) -> Iterator[Running]:
    port = free_port()
    address = f"127.0.0.1:{port}"
    with process((program, "registry", "serve", "--address", address), folder, ready=answers(f"http://{address}")):
        yield Running(f"http://{address}", "unknown")


@contextmanager
def _cuelabs(program: Path, folder: Path, _: bool) -> Iterator[Running]:
    port = free_port()
    address = f"127.0.0.1:{port}"
    with process((program, address), folder, ready=answers(f"http://{address}")):
        yield Running(f"http://{address}", "unknown")


@contextmanager
def _olareg(program: Path, folder: Path, collecting: bool) -> Iterator[Running]:
    port = free_port()
    command: list[str | Path] = [
        program,
        "serve",
        "--dir",
        folder / "storage",
        "--addr",
        "127.0.0.1",
        "--port",
        str(port),
        "--api-delete",
    ]
    if collecting:
        command += ["--gc-frequency", "5s", "--gc-grace-period", f"{_PUSHED}s"]
    with process(command, folder, ready=answers(f"http://127.0.0.1:{port}")):
        yield Running(
            f"http://127.0.0.1:{port}",
            "unknown",
            collect=(lambda _: time.sleep(_PUSHED + 15)) if collecting else None,
        )


# moto's ECR


@contextmanager
def _moto(program: Path, folder: Path, _: bool) -> Iterator[Running]:
    """`program`: a distribution, for the blobs."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with _distribution(program, folder, False) as blobs:
        (folder / "front").mkdir()
        environ = {"PYTHONPATH": str(Path(__file__).parents[2])}
        command = (sys.executable, "-m", "tests.real.moto_ecr", str(port), blobs.url)
        with process(command, folder / "front", ready=answers(url), environ=environ):
            yield Running(
                url,
                importlib.metadata.version("moto"),
                environ={
                    "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": "test",
                    "AWS_REGION": "eu-west-1",
                    "AWS_EC2_METADATA_DISABLED": "true",
                    "HOLYSTONE_REPO_API_URL": url,
                    "WERF_REPO_IMPLEMENTATION": "ecr",
                },
                implementation="ecr",
            )


# Gitea, and its descendant Forgejo


@contextmanager
def _gitea(program: Path, folder: Path, _: bool) -> Iterator[Running]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    login = ("holystone", "scrub-the-deck")
    config = folder / "app.ini"
    config.write_text(
        "RUN_MODE = prod\n"
        f"[database]\nDB_TYPE = sqlite3\nPATH = {folder / 'gitea.db'}\n"
        f"[server]\nHTTP_ADDR = 127.0.0.1\nHTTP_PORT = {port}\nROOT_URL = {url}/\nDISABLE_SSH = true\n"
        "OFFLINE_MODE = true\n"
        "[security]\nINSTALL_LOCK = true\nSECRET_KEY = only-for-this-test\n"
        "[packages]\nENABLED = true\n"
        "[log]\nLEVEL = error\nMODE = console\n"
    )
    environ = {
        "GITEA_WORK_DIR": str(folder / "work"),
        "FORGEJO_WORK_DIR": str(folder / "work"),
        "GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT": "true",
        "FORGEJO_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT": "true",
        "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT": "true",
        "HOME": str(folder),
        "USER": os.environ.get("USER", "root"),
    }
    (folder / "work").mkdir()
    output(program, "--config", config, "migrate", environ=environ)
    new = ("--username", login[0], "--password", login[1], "--email", "holystone@example.com", "--admin")
    output(
        program, "--config", config, "admin", "user", "create", *new, "--must-change-password=false", environ=environ
    )
    with process((program, "--config", config, "web"), folder, ready=answers(url), environ=environ):
        yield Running(url, _version(program, "--version"), login[0], login)


# Cloudflare's serverless-registry


def _collected_on_request(running: Running, repositories: Iterable[RepositoryPath]) -> None:
    """What no tag leads to, and blobs that no manifest names (docs/garbage-collection.md of its source)."""
    login = base64.b64encode(":".join(running.login or ("", "")).encode()).decode()
    for path in repositories:
        asked = Request(f"{running.url}/v2/{path}/gc?mode=untagged", method="POST")
        asked.add_header("Authorization", f"Basic {login}")
        with OPENER.open(asked, timeout=300) as reply:
            said = json.load(reply)
        if said != {"success": True}:
            raise RuntimeError(f"garbage of {path} was not collected: {said}")


def _only_addressed(program: Path, _: Path, __: bool) -> AbstractContextManager[Running]:
    raise RuntimeError(f"{program}: this server is made of several; name its address, http://…")


# What `make servers` installs


def servers_folder() -> Path:
    given = os.environ.get("HOLYSTONE_SERVERS")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(cache) / "holystone-servers"


_PINS: Final = Path(__file__).with_name("go-servers.txt")


def _pin(name: str) -> str:
    """A version, of go-servers.txt."""
    (version,) = (line.split()[1] for line in _PINS.read_text().splitlines() if line.split()[:1] == [name])
    return version


def built(name: str) -> Path | None:
    """A program that `make servers` installs, of go-servers.txt."""
    program = servers_folder() / f"{name}-{_pin(name)}"
    return program if os.access(program, os.X_OK) else None


def _debian(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


_IMAGES_ONLY: Final = Takes(types=("oci",), subjects="images")

SERVERS: Final = {
    each.name: each
    for each in (
        Server("docker-registry", _distribution, partial(_debian, "docker-registry"), pages=False),
        Server("distribution", _distribution, partial(built, "distribution"), _pin("distribution")),
        Server("distribution-3", _distribution),
        Server("ggcr", _ggcr, partial(built, "ggcr"), _pin("ggcr")),
        Server("cuelabs", _cuelabs, partial(built, "cuelabs"), _pin("cuelabs")),
        Server("moto", _moto, partial(built, "distribution"), pages=False),
        Server("zot-minimal", partial(_zot, full=False)),
        Server("zot-full", partial(_zot, full=True)),
        Server("olareg", _olareg, absent_is_empty=True),
        Server("gitea", _gitea, takes=Takes(nested=False)),
        Server("forgejo", _gitea, takes=Takes(nested=False)),
        Server("serverless-registry", _only_addressed, absent_is_empty=True, collects=_collected_on_request),
        Server("gitlab", _distribution, takes=_IMAGES_ONLY),
        Server("gitlab-database", _gitlab_database, takes=_IMAGES_ONLY),
        Server("harbor", _only_addressed),
        Server("quay", _only_addressed),
        Server("quay-login", _only_addressed),
    )
}
QUICK: Final = ("docker-registry", "distribution", "ggcr")
"""Those that `make test` runs, too."""
