"""What a second night costs where most tags carry their content in their names: the command itself, in a process of its
own, with what the night before has left in the folders of cache and state.

`python -m benchmarks.warm ARGUMENT…` is the command, which says its processor time on the last line.
"""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from anyio.from_thread import start_blocking_portal

from benchmarks.lines import Line, line
from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.stages import Content
from holystone.embedded.quirks import DISTRIBUTION_2_8
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.manifests import OCI_CONFIG, OCI_MANIFEST
from holystone.engine.model.references import Digest, RepositoryPath, Tag

_OURS: Final = [sys.executable, "-m", __spec__.name if __spec__ else "benchmarks.warm"]
_IMAGES: Final = {"api": 196, "front": 198, "mailer": 201, "search": 202, "worker": 203}
"""How often each was published, a thousand times in all. Not 200 times: a list of as many names as some servers have on
a page is asked for its next one."""
_OF_WERF: Final = 24
"""Requests of werf 1.1.36 for a warm dry run of as many images, stages and records; it believes names for ever."""
_TAGS, _NEW, _FEW = 10_000, 100, 1_000
_DAY: Final = 24 * 60 * 60
_POLICIES: Final = """\
configVersion: 1
project: shop
cleanup:
  keepPolicies:
  - references: {branch: master}
    imagesPerReference: {last: 100}
"""
_RETENTION: Final = """\
format: 1
in-use: {{kubernetes: none}}
policies:
  - {{name: builds, repositories: "{host}/shop/*", immutable: "/^[0-9a-f]{{64}}$/", times: created,
     keep: [{{newest: 9000}}]}}
"""


class _Night(NamedTuple):
    requests: int
    processor: float
    """Seconds."""


class _Stand:
    def __init__(self, registry: EmbeddedRegistry, folder: Path) -> None:
        self.registry = registry
        self.folder = folder

    def night(self, *words: str, cwd: Path) -> _Night:
        before = len(self.registry.requests)
        folders = [f"--{each}-dir={self.folder / each}" for each in ("state", "cache")]
        done = subprocess.run(
            [*_OURS, *words, "--dry-run", *folders, f"--docker-config={self.folder}"],
            cwd=cwd,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return _Night(len(self.registry.requests) - before, float(done.stdout.splitlines()[-1]))


def measure_warm() -> Iterator[Line]:
    with _stand() as stand:
        yield from _cleanup(stand)
    with _stand() as stand:
        yield from _prune(stand)


def _cleanup(stand: _Stand) -> Iterable[Line]:
    project = stand.folder / "project"
    tags = _publish(stand.registry, project)
    places = [f"--images-repo={stand.registry.host}/shop/app", f"--stages-storage={stand.registry.host}/shop/stages"]
    cold, warm = (stand.night("cleanup", *places, "--without-kube", cwd=project) for _ in range(2))
    yield line(
        f"requests of a warm `cleanup --dry-run` of {tags:,} tags",
        warm.requests,
        f"{sum(_IMAGES.values()):,} images, their stages and records, on what distribution 2.8 does; werf 1.1 needs "
        f"{_OF_WERF} for as many. The cold run before needed {cold.requests:,}. It takes {warm.processor:.1f} s of "
        "processor time.",
        goal=int(1.2 * _OF_WERF + 0.5),
    )


def _prune(stand: _Stand) -> Iterable[Line]:
    file = stand.folder / "holystone.yaml"
    file.write_text(_RETENTION.format(host=stand.registry.host))
    path = RepositoryPath("shop/builds")

    def night() -> _Night:
        return stand.night("prune", f"--config={file}", "--quiet", cwd=stand.folder)

    _push(stand.registry, path, range(_FEW))
    night()
    few = night()
    _push(stand.registry, path, range(_FEW, _TAGS - _NEW))
    night()
    _push(stand.registry, path, range(_TAGS - _NEW, _TAGS))
    second, warm = night(), night()
    yield line(
        f"requests of a `prune --dry-run` of {_TAGS:,} immutable tags, {_NEW} new, above those of nothing new",
        second.requests - warm.requests,
        f"{second.requests} requests: of each new tag one HEAD, its manifest and its configuration; where nothing is "
        f"new {warm.requests}.",
        goal=3 * _NEW,
    )
    yield line(
        "its processor time a tag where nothing need be looked up, ms",
        1000 * (warm.processor - few.processor) / (_TAGS - _FEW),
        f"{warm.processor:.2f} s of {_TAGS:,} tags, each with an image of its own, beside {few.processor:.2f} s of "
        f"{_FEW:,}.",
        goal=0.1,
    )


@contextmanager
def _stand() -> Iterator[_Stand]:
    with (
        TemporaryDirectory(prefix="holystone-bench-") as name,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(EmbeddedRegistry(quirks=DISTRIBUTION_2_8)) as registry,
    ):
        yield _Stand(registry, Path(name))


def _publish(registry: EmbeddedRegistry, path: Path) -> int:
    """How many tags there are."""
    now = int(time.time())
    composer = Composer(
        "shop", path, host="registry.example", now=now, images_repo="shop/app", stages_storage="shop/stages"
    )
    story = GitStory(path)
    commits = max(_IMAGES.values())
    for number in range(commits):
        at = now - (commits - number) * _DAY
        commit = story.commit("master", f"Change {number}", at=at)
        for image in (image for image, times in _IMAGES.items() if number < times):
            composer.publish(image, commit, Content(base=1, dependencies=number, code=number), at=at + 600)
    composer.manage(*_IMAGES)
    (path / "werf.yaml").write_text(_POLICIES + "".join(f"---\nimage: {each}\nfrom: alpine\n" for each in _IMAGES))
    for push in sorted(composer.pushes, key=lambda push: push.wave):
        for blob in push.built.blobs:
            registry.storage.put_blob(push.repository, blob)
        tag = push.reference if isinstance(push.reference, Tag) else None
        registry.storage.put_manifest(push.repository, push.built.manifest, push.built.media_type, tag)
    return sum(len(each.tags) for each in registry.storage.repositories.values())


def _push(registry: EmbeddedRegistry, path: RepositoryPath, numbers: Sequence[int]) -> None:
    """An image for each number, under the hash of its configuration."""
    for number in numbers:
        built = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_700_000_000 + 600 * number))
        config = json.dumps({"architecture": "amd64", "created": built, "number": number}).encode()
        descriptor = {"mediaType": OCI_CONFIG, "digest": Digest.of(config), "size": len(config)}
        image = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor, "layers": []}
        registry.storage.put_blob(path, config)
        registry.storage.put_manifest(
            path, json.dumps(image).encode(), OCI_MANIFEST, hashlib.sha256(config).hexdigest()
        )


def _command(words: list[str]) -> None:
    from holystone.cli.main import main

    sys.argv = ["holystone", *words]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
    print(time.process_time())


if __name__ == "__main__":
    _command(sys.argv[1:])
