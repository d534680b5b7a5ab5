"""Reads what tags point to, manifests with what they need, and configurations: by digest only what is not known yet."""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from typing import Final

import msgspec
from anyio.lowlevel import checkpoint

from holystone.engine.errors import IncompleteSource, TooDeep
from holystone.engine.events import about
from holystone.engine.inventory.contents import Contents
from holystone.engine.inventory.entries import Entries
from holystone.engine.model.image_config import ImageConfig, parse_config
from holystone.engine.model.manifests import NESTED_AT_MOST, Malformed, Manifest, RawManifest, parse_manifest
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import DigestCache, RepositorySession
from holystone.engine.scheduler import for_each, in_batches

WORKERS: Final = 64
"""Reads that are prepared at once; how many are really sent is the lane's decision."""
_ASKED: Final = 2
"""Times that something is said to be absent before that is believed, although it is listed or a manifest names it.
A 404 may be a proxy's, or of a replica that lags. The second time is after all others of its kind have been read."""

_AT_A_TIME: Final = 256
"""Documents of the cache that are parsed before somebody else may have a turn."""


class Reader:
    def __init__(
        self, session: RepositorySession, cache: DigestCache, said: Mapping[Digest, Manifest], contents: Contents
    ) -> None:
        """`said`: manifests that the listing describes so well that they need not be read."""
        self._said = dict(said)
        self._contents = contents
        self._session = session
        self._cache = cache
        self.fetched = 0
        self.problems: dict[Digest, str] = {}
        self.missing: set[Digest] = set()
        self.unclear: dict[Digest, tuple[Digest, ...]] = {}
        self.unread: dict[Tag | Digest, str] = {}

    async def recall(self, digests: Collection[Digest]) -> Set[Digest]:
        """What of these the cache has and can be understood. It is not loaded again."""
        found: set[Digest] = set()
        async for raw in self._cache.manifests(sorted(digests)):
            if len(found) % _AT_A_TIME == 0:
                await checkpoint()
            with suppress(Malformed):
                self._said[raw.digest] = parse_manifest(raw, self._contents.annotations)
                found.add(raw.digest)
        return found

    async def resolve(self, listed: Mapping[Tag, Digest | None]) -> tuple[dict[Tag, Digest], dict[Tag, str]]:
        tags = {tag: digest for tag, digest in listed.items() if digest}
        entries: Entries[Tag] = Entries()

        async def ask(tag: Tag) -> None:
            with entries.of(tag), about(tag=tag):
                if digest := await self._session.resolve(tag):
                    tags[tag] = digest

        for _ in range(_ASKED):
            await for_each(sorted(listed.keys() - tags.keys() - entries.failed.keys()), ask, workers=WORKERS)
        entries.end()
        for tag, why in entries.problems().items():
            self.unread[tag] = why
        absent = listed.keys() - tags.keys() - entries.failed.keys()
        gone = dict.fromkeys(absent, "the tag is listed, but the registry has no manifest for it")
        return tags, gone | entries.problems()

    async def manifests(self, roots: Iterable[Digest], *, follow: bool = True) -> dict[Digest, Manifest]:
        """The manifests of `roots` and, level by level, of what their indexes list and what they refer to. Raises
        IncompleteSource where that goes deeper than can be meant: what lies below may be needed, and is not known."""
        manifests: dict[Digest, Manifest] = {}

        def understand(raw: RawManifest) -> None:
            try:
                manifests[raw.digest] = parse_manifest(raw, self._contents.annotations)
            except Malformed as error:
                self.problems[raw.digest] = str(error)
                if error.needs:
                    self.unclear[raw.digest] = error.needs

        entries: Entries[Digest] = Entries()

        async def read(some: Sequence[Digest]) -> None:
            try:
                found = await self._session.read_manifests(some)
            except IncompleteSource as error:
                if len(some) == 1:
                    entries.add(some[0], error)
                else:
                    for digest in some:  # one of them may be what spoils the answer
                        await read([digest])
                return
            entries.read += len(some)
            asked_for = [found[digest] for digest in some if digest in found]
            self.fetched += len(asked_for)
            await self._cache.learn_manifests(asked_for)
            for raw in asked_for:
                understand(raw)
                unknown.discard(raw.digest)

        level = set(roots)
        for _ in range(NESTED_AT_MOST):
            manifests |= {digest: self._said[digest] for digest in sorted(level) if digest in self._said}
            unknown = level - manifests.keys()
            async for raw in self._cache.manifests(sorted(unknown)):
                understand(raw)
                unknown.discard(raw.digest)
            entries.read += len(level) - len(unknown)
            for _ in range(_ASKED):
                batches = in_batches(sorted(unknown - entries.failed.keys()), self._session.manifests_at_once)
                await for_each(batches, read, workers=WORKERS)
            unknown -= entries.failed.keys()
            entries.end()
            self.problems |= entries.problems()
            for digest, why in entries.problems().items():
                self.unread[digest] = why
            self.missing |= unknown
            self.problems |= {digest: f"the registry has no manifest {digest}" for digest in unknown}
            level = {
                needed
                for digest in level
                for needed in self._needed(digest, manifests)
                if needed not in manifests and needed not in self.problems
            }
            if not (level and follow):
                return manifests
        raise TooDeep(
            self._session.repository,
            level,
            NESTED_AT_MOST,
            not_deleted="What it needs cannot be told, so nothing was deleted.",
        )

    def _needed(self, digest: Digest, manifests: Mapping[Digest, Manifest]) -> tuple[Digest, ...]:
        if digest not in manifests:
            return self.unclear.get(digest, ())
        manifest = manifests[digest]
        return (*manifest.children, manifest.subject) if manifest.subject else manifest.children

    async def configs(self, wanted: Iterable[Digest]) -> dict[Digest, ImageConfig]:
        configs: dict[Digest, ImageConfig] = {}
        unknown = set(wanted)
        entries: Entries[Digest] = Entries()

        def understand(digest: Digest, body: bytes) -> None:
            unknown.discard(digest)
            try:
                config = parse_config(digest, body)
                if config.odd:
                    self.problems[digest] = config.odd
                configs[digest] = msgspec.structs.replace(config, labels=self._contents.labels(config.labels))
            except ValueError as error:
                self.problems[digest] = str(error)

        async def read(digest: Digest) -> None:
            body = None
            with entries.of(digest):
                body = await self._session.read_blob(digest)
            if body is not None:
                await self._cache.learn_blob(digest, body)
                understand(digest, body)

        for number, digest in enumerate(sorted(unknown)):
            if number % _AT_A_TIME == 0:
                await checkpoint()
            if (known := await self._cache.blob(digest)) is not None:
                entries.read += 1
                understand(digest, known)
        for _ in range(_ASKED):
            await for_each(sorted(unknown - entries.failed.keys()), read, workers=WORKERS)
        entries.end(may_read=True)
        self.problems |= {digest: f"the registry has no image configuration {digest}" for digest in unknown}
        self.problems |= entries.problems()
        return configs
