"""Repositories that are written straight into an embedded registry, and what a process has taken of memory."""

import datetime as dt
import json
from pathlib import Path
from typing import Final

from holystone.embedded.storage import Storage
from holystone.engine.model.manifests import OCI_CONFIG, OCI_MANIFEST
from holystone.engine.model.references import Digest, RepositoryPath

_FIRST_BUILD: Final = 1_750_000_000
"""Unix seconds."""


def seed(storage: Storage, path: RepositoryPath, tags: int, on_each: int) -> None:
    for number in range(tags // on_each):
        built = dt.datetime.fromtimestamp(_FIRST_BUILD + 3600 * number, dt.UTC).isoformat()
        said = {"architecture": "amd64", "created": built, "config": {"Labels": {"number": str(number), "of": path}}}
        config = json.dumps(said).encode()
        storage.put_blob(path, config)
        storage.put_manifest(path, _manifest(config), OCI_MANIFEST, f"v{number}-0")
        there = storage.repositories[path].tags
        there.update({f"v{number}-{more}": there[f"v{number}-0"] for more in range(1, on_each)})


def _manifest(config: bytes) -> bytes:
    descriptor = {"mediaType": OCI_CONFIG, "digest": Digest.of(config), "size": len(config)}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor, "layers": []}).encode()


def peak_memory() -> float:
    """MiB. Not `ru_maxrss`, which a process inherits from the one that has made it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(each.split()[1]) for each in lines if each.startswith("VmHWM:")) / 1024
