"""Docker's configuration: which credential for which registry. Never written."""

import json
import logging
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from holystone.adapters.credentials.auth_entry import HUB, HUB_SERVER, ServerKey, canonical_host, parse_entry
from holystone.adapters.credentials.credential import Anonymous, Credential
from holystone.adapters.credentials.helpers import HELPER_TIMEOUT, HelperMissing, ask_helper
from holystone.adapters.credentials.single_flight import SingleFlight
from holystone.adapters.files import read_file
from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost

_log = logging.getLogger(__name__)
_LARGEST: Final = 16 << 20
"""Bytes."""


def docker_config_dir(option: str | None, environment: Mapping[str, str], home: Path) -> Path:
    """The folder of Docker's configuration: `--docker-config`, then WERF_DOCKER_CONFIG, DOCKER_CONFIG, ~/.docker
    (werf's order)."""
    text = option or environment.get("WERF_DOCKER_CONFIG") or environment.get("DOCKER_CONFIG")
    if not text:
        return home / ".docker"
    return home / text[2:] if text.startswith("~/") else Path(text)


@dataclass(frozen=True, slots=True)
class _HelperKey:
    suffix: str
    server: str
    section: str


@dataclass(slots=True, eq=False, repr=False)
class DockerConfig:
    """Credentials by Docker's configuration: `credHelpers` for the host, then `auths` for a path in it (longest first),
    `credsStore`, `auths` for the host: the first that knows something. A malformed entry is left out with a warning,
    and so is a helper that is not installed (Docker itself fails there)."""

    shown: str
    """The file's name, for people."""
    entries: Mapping[ServerKey, Credential] = field(default_factory=dict)
    helpers: Mapping[str, str] = field(default_factory=dict)
    """Host to helper; empty: none, and no store either, but the file (docker/cli, cli/config/configfile)."""
    store: str = ""
    timeout: float = HELPER_TIMEOUT
    _answers: dict[_HelperKey, Credential | None] = field(default_factory=dict)
    _flights: SingleFlight[_HelperKey, tuple[Credential | None]] = field(default_factory=SingleFlight)
    _refused: set[Credential] = field(default_factory=set)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The configuration in `config.json` of a folder; a missing file is an empty configuration. Raises UsageError
        naming file, line and column."""
        file = directory / "config.json"
        shown = _shown(file)
        try:
            text = read_file(file, _LARGEST).decode("utf-8-sig")
        except (FileNotFoundError, NotADirectoryError):
            return cls(shown)
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            problem = UsageError(f"{shown} cannot be read: {why}.")
        else:
            read = cls._parse(text, shown)
            if read.entries and _is_open_to_all(file):
                _log.warning(
                    "note: %s holds passwords, and every user of this machine can read it: chmod 600 it", shown
                )
            return read
        # Outside of `except`: decoding errors hold the file's content.
        raise problem

    @classmethod
    def _parse(cls, text: str, shown: str) -> Self:
        problem = ""
        document: Any = None
        try:
            document = json.loads(text) if text.strip() else {}
        except json.JSONDecodeError as error:
            problem = f" at line {error.lineno}, column {error.colno}: {error.msg}"
        except RecursionError:
            problem = ": it is nested too deeply"
        except ValueError:
            problem = ": a number in it is too long"
        if problem:
            raise UsageError(f"{shown} is not JSON{problem}.")
        if not isinstance(document, dict):
            raise UsageError(f"{shown} does not hold a JSON object.")
        entries: dict[ServerKey, Credential] = {}
        # Exact keys last, so that they win over `https://host/v1/` and the like.
        for key, entry in sorted(
            _section(document, "auths", shown).items(), key=lambda item: ServerKey.parse(item[0]).nearness(item[0])
        ):
            try:
                credential = parse_entry(entry, f"auths in {shown}")
            except ValueError as error:
                _log.warning("The entry for %r in auths of %s is left out: %s.", key, shown, error)
            else:
                if credential is not None:
                    entries[ServerKey.parse(key)] = credential
        helpers = {
            server.host: suffix
            for key, suffix in _section(document, "credHelpers", shown).items()
            if isinstance(suffix, str) and not (server := ServerKey.parse(key)).path
        }
        store = document.get("credsStore")
        return cls(shown, entries, helpers, store if isinstance(store, str) else "")

    async def credential(self, host: RegistryHost, path: str = "") -> Credential:
        """The credential for a registry, or for a repository path in it. Helpers are asked once per host. Raises
        UsageError if a helper fails or hangs."""
        name = canonical_host(host)
        server = HUB_SERVER if name == HUB else name
        found: Credential | None = None
        suffix = self.helpers.get(name)
        if suffix:
            found = await self._ask(_HelperKey(suffix, server, "credHelpers"))
        found = found or self._scoped(name, path)
        if found is None and self.store and suffix != "":
            found = await self._ask(_HelperKey(self.store, server, "credsStore"))
        found = found or self.entries.get(ServerKey(name, ""))
        return found or Anonymous(f"there is none for {host} in {self.shown}")

    async def refreshed(self, host: RegistryHost, refused: Credential, path: str = "") -> Credential:
        """The credential to try after the registry refused one: asks the helper again (once per refused credential)."""
        if refused not in self._refused:
            self._refused.add(refused)
            for key in [key for key, answer in self._answers.items() if answer == refused]:
                del self._answers[key]
        return await self.credential(host, path)

    def _scoped(self, host: str, path: str) -> Credential | None:
        parts = path.split("/") if path else []
        for length in range(len(parts), 0, -1):
            if found := self.entries.get(ServerKey(host, "/".join(parts[:length]))):
                return found
        return None

    async def _ask(self, key: _HelperKey) -> Credential | None:
        def known() -> tuple[Credential | None] | None:
            return (self._answers[key],) if key in self._answers else None

        async def ask() -> tuple[Credential | None]:
            try:
                answer = await ask_helper(
                    key.suffix, key.server, origin=f"{key.section} in {self.shown}", timeout=self.timeout
                )
            except HelperMissing as missing:
                answer = None
                _log.warning(
                    "%s, named by %s in %s, is not installed: the inline entry for %s is used, if there is one.",
                    missing,
                    key.section,
                    self.shown,
                    key.server,
                )
            self._answers[key] = answer
            return (answer,)

        return (await self._flights.run(key, known, ask))[0]

    def __repr__(self) -> str:
        return f"<DockerConfig {self.shown} {len(self.entries)} entries, {len(self.helpers)} helpers>"


def _section(document: dict[str, Any], name: str, shown: str) -> dict[str, Any]:
    section = document.get(name) or {}
    if not isinstance(section, dict):
        raise UsageError(f"{name} in {shown} is not an object.")
    return section


def _is_open_to_all(file: Path) -> bool:
    """Whether anybody may read the file, the way to it included: in a pod the file is readable, and its folder often is
    not."""
    try:
        way = file.resolve()
        return bool(way.stat().st_mode & stat.S_IROTH) and all(
            each.stat().st_mode & stat.S_IXOTH for each in way.parents
        )
    except OSError:
        return False


def _shown(file: Path) -> str:
    try:
        return f"~/{file.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(file)
