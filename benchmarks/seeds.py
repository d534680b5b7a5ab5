"""Repositories to clean: pushed once through the registry itself, then copied as files for every repetition."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import docker_registry
from holystone.demo.images import image, layer
from holystone.demo.publisher import Publisher, Push
from holystone.engine.model.references import RegistryHost, RepositoryPath, Tag

PATH = RepositoryPath("bench/stages")
TAGS = 2_500
_CREATED = 1_500_000_000
"""Unix seconds: long ago."""


async def push_stages(storage: Path, program: str) -> None:
    """`TAGS` small images, each with a digest and a tag of its own, named as werf names stages."""
    pushes = []
    for number in range(TAGS):
        signature = hashlib.sha3_224(str(number).encode()).hexdigest()
        built = image(created=_CREATED + number, labels={"werf-stage-signature": signature}, layers=[layer("stage")])
        pushes.append(Push(PATH, Tag(f"{signature}-{(_CREATED + number) * 1000}"), built))
    with docker_registry(program, storage) as host:
        async with Publisher(f"http://{host}", at_once=32) as publisher:
            await publisher.push_all(pushes)


@contextmanager
def copied(storage: Path, program: str) -> Iterator[RegistryHost]:
    """A registry of its own on a copy of the storage; the copy is on the disk before anything is measured."""
    with tempfile.TemporaryDirectory(dir=storage.parent) as folder:
        copy = Path(folder) / "storage"
        subprocess.run(["cp", "-r", "--reflink=auto", str(storage), str(copy)], check=True)
        os.sync()
        with docker_registry(program, copy) as host:
            yield host
