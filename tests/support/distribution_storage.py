"""Writes images straight into the storage of a distribution on a file system, which for thousands of them is many times
quicker than to push them: the files are what a push would leave there."""

from collections.abc import Iterable
from pathlib import Path

from holystone.demo.publisher import Push
from holystone.engine.model.references import Digest


def write(storage: Path, pushes: Iterable[Push]) -> None:
    _Writer(storage / "docker/registry/v2").write(pushes)


class _Writer:
    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs"
        self._repositories = root / "repositories"
        self._written: set[Path] = set()

    def write(self, pushes: Iterable[Push]) -> None:
        for push in pushes:
            repository = self._repositories / push.repository
            for blob in push.built.blobs:
                self._link(repository / "_layers" / _path(self._blob(blob)), Digest.of(blob))
            digest = self._blob(push.built.manifest)
            manifests = repository / "_manifests"
            self._link(manifests / "revisions" / _path(digest), digest)
            if not isinstance(push.reference, Digest):
                tag = manifests / "tags" / push.reference
                self._link(tag / "index" / _path(digest), digest)
                self._link(tag / "current", digest)

    def _blob(self, body: bytes) -> Digest:
        digest = Digest.of(body)
        self._file(self._blobs / digest.algorithm / digest.hex[:2] / digest.hex / "data", body)
        return digest

    def _link(self, folder: Path, digest: Digest) -> None:
        self._file(folder / "link", digest.encode())

    def _file(self, file: Path, body: bytes) -> None:
        if file not in self._written:
            self._written.add(file)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)


def _path(digest: Digest) -> str:
    return f"{digest.algorithm}/{digest.hex}"
