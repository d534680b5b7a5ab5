"""OCI's conformance suite (opencontainers/distribution-spec, conformance) against a registry, and what came of each of
its checks: the suite's own word, and what the registry answered to each request, in the terms that clients go by."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4
from xml.etree import ElementTree as ET

from tests.real.accepted import Difference

SPECIFICATION: Final = "the specification"
COLUMNS: Final = ("server", "version", "checks", "its profile", "checks of that", "differ", "of them accepted", "date")
"""Of the table in docs/servers.md. What the specification itself would answer is that all pass."""
MARK: Final = "<!-- conformance, made by `make real` -->"
_TELLING: Final = (
    "Allow",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Docker-Content-Digest",
    "Link",
    "Location",
    "OCI-Filters-Applied",
    "OCI-Subject",
    "OCI-Tag",
    "Range",
)
"""Headers of a reply that clients go by. The media type of a blob is none: a manifest says it."""
_WORDS: Final = {"passed": "passed", "failure": "failed", "error": "failed", "skipped": "skipped"}
_ROOT: Final = "OCI Conformance Test/"
_EXCHANGE: Final = re.compile(
    r"Method: (?P<method>\w+)\nURL: \w+://[^/\n]+(?P<path>/[^?\n]*).*?"
    r"~~~ RESPONSE ~~~\nStatus: (?P<status>\d+)\nHeaders:\n(?P<headers>(?: +[\w-]+: \[[^\n]*\]\n)*)(?P<body>.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Told:
    """What one run found."""

    checks: Mapping[str, Counter[str]]
    """By its name, what came of a check each time that it was made."""
    counts: Counter[str]
    """How many passed, failed, and were skipped since the registry does not have what they ask for."""

    def __str__(self) -> str:
        return ", ".join(f"{self.counts[word]} {word}" for word in ("passed", "failed", "skipped"))

    def failed(self) -> list[str]:
        """With what was asked and answered."""
        return sorted(
            f"{name}: {each}" for name, found in self.checks.items() for each in found if each[:6] == "failed"
        )


def told_of(program: Path, url: str, account: str, folder: Path, login: tuple[str, str] | None = None) -> Told:
    """By the specification's version 1.1. `account`: below which it may make repositories. Raises RuntimeError if the
    suite did not come to its end."""
    repository = f"{account}/c{uuid4().hex[:12]}"
    environ = {
        "OCI_VERSION": "1.1",
        "OCI_API_BLOBS_UPLOAD_CANCEL": "true",
        "OCI_REGISTRY": url.partition("://")[2],
        "OCI_TLS": "disabled",
        "OCI_REPO1": f"{repository}-one",
        "OCI_REPO2": f"{repository}-two",
        "OCI_RESULTS_DIR": str(folder),
        "OCI_LOG": "error",
    }
    if login:
        environ |= {"OCI_USERNAME": login[0], "OCI_PASSWORD": login[1]}
    done = subprocess.run([program], env=environ, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    results = folder / "junit.xml"
    if not results.exists():
        raise RuntimeError(f"{program.name} left no result:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return read(results.read_text())


def read(junit: str) -> Told:
    checks: dict[str, Counter[str]] = {}
    counts: Counter[str] = Counter()
    for case in ET.fromstring(junit).iter("testcase"):
        name = case.get("name", "").removeprefix(_ROOT)
        word = _WORDS.get(case.get("status", ""))
        if word is None:  # switched off
            continue
        counts[word] += 1
        log = case.findtext("system-err") or ""
        checks.setdefault(name, Counter())["; ".join((word, *_exchanges(log)))] += 1
    return Told(checks, counts)


def differences(server: str, real: Told, model: Told) -> list[Difference]:
    found = []
    for name in sorted(real.checks.keys() | model.checks.keys()):
        theirs, ours = real.checks.get(name, Counter()), model.checks.get(name, Counter())
        if theirs != ours:
            found.append(Difference(server, name, _listed(theirs - ours), _listed(ours - theirs)))
    return found


def _listed(outcomes: Counter[str]) -> str:
    return " | ".join(f"{times} x {each}" for each, times in sorted(outcomes.items())) or "no more"


def _exchanges(log: str) -> Iterator[str]:
    for found in filter(None, map(_EXCHANGE.search, log.split("~~~ REQUEST ~~~\n"))):
        kind = _kind(found["path"])
        code = re.search(r'"code": *"(\w*)"', found["body"])
        told = [f"{found['method']} {kind} {found['status']}", *([code[1]] if code else ())]
        headers = re.findall(r"^ +([\w-]+): \[(.*)\]$", found["headers"], re.MULTILINE)
        known = {name.lower(): _plain(name, text) for name, text in headers}
        if kind == "blobs" and found["status"].startswith("2"):
            known.pop("content-type", None)
        told += [f"{name}={known[name.lower()]}" for name in _TELLING if name.lower() in known]
        yield " ".join(told)


def _kind(path: str) -> str:
    kind = re.search(r"/(manifests|blobs/uploads|blobs|tags|referrers)/", path)
    return kind[1] if kind else path


def _plain(name: str, text: str) -> str:
    """Without what is another each time: names, digests, numbers of uploads, ports, sizes."""
    if name == "Content-Length":
        return "0" if text == "0" else "n"
    if name == "Content-Type":
        return text.partition(";")[0]
    if name == "Range":
        return text if text == "0-0" else "0-n"
    text = re.sub(r"\b(sha\d+:)[0-9a-f]+", r"\1…", text)
    text = re.sub(r"http://[^/]+", "http://…", text)
    text = re.sub(r"/v2/.*?/(manifests|blobs|tags|referrers)/", r"/v2/…/\1/", text)
    return re.sub(r"(/blobs/uploads/)[^\s?>]+(\?\S*)?", r"\1…", text)
