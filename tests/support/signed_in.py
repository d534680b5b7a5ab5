"""A person who signs in to a vendor, under the vendor's own names, and the command line as a process of its own.

The names lead to emulators on loopback, by a proxy that looks into TLS with an authority of its own, as companies have
it: what is asked, and of whom, is found out by the program and the vendors' libraries, without an address or an
endpoint of ours. Whatever else is asked for has no way (502), and is looked at.
"""

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from holystone.engine.model.addresses import ImagesRepoMode
from tests.emulators.vendor import VendorEmulator
from tests.support.certificates import Authority
from tests.support.command_line import Bench, Ran, bench, now
from tests.support.http_site import Handler, Site, site
from tests.support.tiny_project import kept_tags, tiny_project
from tests.support.tunnel import tunnel

_STRICT = """\
import ssl
make = ssl.create_default_context
def strict(*args, **more):
    context = make(*args, **more)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context
ssl.create_default_context = strict
"""


@dataclass
class Person:
    """Who has signed in somewhere, and runs Holystone in a shell of his own."""

    bench: Bench
    env: dict[str, str]
    """Of his shell."""
    kept: set[tuple[str, str]]
    """Repositories and tags that stay whatever is cleaned."""
    secrets: list[str] = field(default_factory=list)
    """What must not be seen in any output, nor in any file of ours."""
    refused: set[str] = field(default_factory=set)
    """Whom the proxy was asked for that is not there, with the port."""

    @property
    def home(self) -> Path:
        return self.bench.home

    def leave(self, file: str, content: object) -> Path:
        """In the home folder, for its owner alone; as JSON if it is no text."""
        at = self.home / file
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(content if isinstance(content, str) else json.dumps(content))
        at.chmod(0o600)
        return at

    def program(self, name: str, script: str) -> None:
        """On the path, before all others."""
        at = self.leave(f"bin/{name}", f"#!/bin/sh\n{script}\n")
        at.chmod(0o755)
        self.env["PATH"] = f"{at.parent}:/usr/bin:/bin"

    def does(self, *words: str, told: str = "") -> None:
        """Runs another program, in the same shell."""
        ended = subprocess.run(
            words, env=self.bench.environment(), input=told, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended

    def has_python_3_13(self) -> None:
        """As far as trust goes: from there on `ssl.create_default_context` looks for extensions that certificates of
        companies often lack."""
        self.leave("python/sitecustomize.py", _STRICT)
        self.env["PYTHONPATH"] = f"{self.home}/python:{os.environ.get('PYTHONPATH', '')}"

    def cleans(self, *options: str, notes: str = "") -> Ran:
        """A dry run, which finds out by its own probes whether the credential would do. `notes`: a pattern of what is
        said besides."""
        ran = self._run(*options)
        assert ran.code == 0, ran
        assert re.search(r"In all \d+ tags stay, [1-9]\d* go", ran.out), ran
        assert re.search(notes, ran.err), ran
        return ran

    def deletes(self) -> None:
        """The cleanup itself."""
        before = self._tags()
        ran = self._spawn()
        assert ran.code == 0, ran
        assert self.kept <= self._tags() < before

    def is_told(self, *patterns: str, code: int = 3, options: tuple[str, ...] = ()) -> Ran:
        """One message, with the way out."""
        ran = self._run(*options)
        assert ran.code == code, ran
        message = ran.message
        wrong_usage = code == 2  # nothing was begun
        for pattern in (*patterns, *(() if wrong_usage else (r"Nothing was deleted\.",))):
            assert re.search(pattern, message), (pattern, message)
        return ran

    def _run(self, *options: str) -> Ran:
        before = self.bench.contents()
        ran = self._spawn("--dry-run", *options)
        assert self.bench.contents() == before
        return ran

    def _spawn(self, *options: str) -> Ran:
        ran = self.bench.spawn("cleanup", *self.bench.options, *options)
        assert "Traceback" not in ran.err
        self._assert_hidden(ran)
        return ran

    def _tags(self) -> set[tuple[str, str]]:
        return {(path, tag) for path, (tags, _) in self.bench.contents().items() for tag in tags}

    def _assert_hidden(self, ran: Ran) -> None:
        ours = [file for file in (self.home / ".local", self.home / ".cache") for file in file.rglob("*")]
        texts = [ran.out, ran.err, *(file.read_bytes().decode("latin-1") for file in ours if file.is_file())]
        assert self.secrets
        assert not [secret for secret in self.secrets for text in texts if secret in text]


@contextmanager
def signed_in(
    folder: Path,
    vendor: VendorEmulator,
    *names: str,
    others: Mapping[str, Handler] | None = None,
    mode: ImagesRepoMode = "multirepo",
    images_repo: str = "shop/app",
    stages_storage: str = "shop/stages",
) -> Iterator[Person]:
    """`names`: the vendor's, the registry's first. `others`: who else there is in the world, by name."""
    vendor.names = names
    authority = Authority()
    ca = folder / "company.pem"
    ca.write_text(authority.pem)
    with ExitStack() as stack:
        made = stack.enter_context(bench(folder, registry=vendor))
        published = tiny_project(
            made.project,
            vendor.storage,
            now=now(),
            commits=3,
            mode=mode,
            images_repo=images_repo,
            stages_storage=stages_storage,
        )
        made.options = made.addresses(images_repo, stages_storage)
        kept = {(str(each.repository), str(each.tag)) for each in kept_tags(published)}
        person = Person(made, made.env, kept)
        places = {f"{name}:443": f"127.0.0.1:{vendor.port}" for name in names}
        for name, handler in (others or {}).items():
            other: Site = stack.enter_context(made.portal.wrap_async_context_manager(site(handler)))
            places[f"{name}:443"] = other.host
        context = authority.server_context(folder, *names, *(others or {}))
        proxy = tunnel(places, tls=context, refused=person.refused)
        url = stack.enter_context(made.portal.wrap_async_context_manager(proxy))
        made.env |= {
            "HTTP_PROXY": url,
            "NO_PROXY": "127.0.0.1",
            "HTTPS_PROXY": url,
            "SSL_CERT_FILE": str(ca),
            "AWS_CA_BUNDLE": str(ca),
            "REQUESTS_CA_BUNDLE": str(ca),
        }
        yield person
        assert not person.refused


def basic(user: str, password: str) -> dict[str, str]:
    """An entry of Docker's configuration."""
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
