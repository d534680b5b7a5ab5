"""Repositories to clean, written as files into the storage of a registry, anew for every repetition."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.servers import docker_registry
from holystone.demo.images import image, layer
from holystone.demo.publisher import Push
from holystone.engine.model.references import Digest, RegistryHost, RepositoryPath, Tag
from tests.support.distribution_storage import write

PATH = RepositoryPath("bench/stages")
_CREATED = 1_500_000_000
"""Unix seconds: long ago."""


class Stage(NamedTuple):
    tag: Tag
    digest: Digest
    push: Push


def stage(number: int) -> Stage:
    """A small image with a digest and a tag of its own, named as werf names stages."""
    signature = hashlib.sha3_224(str(number).encode()).hexdigest()
    built = image(created=_CREATED + number, labels={"werf-stage-signature": signature}, layers=[layer("stage")])
    tag = Tag(f"{signature}-{(_CREATED + number) * 1000}")
    return Stage(tag, built.digest, Push(PATH, tag, built))


@contextmanager
def stages(program: str, tags: int) -> Iterator[RegistryHost]:
    """A registry with so many of them, which are on the disk before anything is measured."""
    with tempfile.TemporaryDirectory(prefix="holystone-bench-", dir="/tmp") as name:
        storage = Path(name) / "storage"
        write(storage, (stage(number).push for number in range(tags)))
        os.sync()
        with docker_registry(program, storage) as host:
            yield host
