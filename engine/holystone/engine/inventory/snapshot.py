"""Reads one repository: tags, what they point to, what indexes list, and the configurations that were asked for.

Everything is read or the reading fails: a snapshot is never silently partial. What a *single tag* lacks (a dangling
link, a manifest that is not JSON, one that the registry does not send) is a fact about the repository and is recorded
in `broken`, and in `unread` if other manifests may be behind it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from holystone.engine.errors import IncompleteSource, TooDeep
from holystone.engine.events import about, tell
from holystone.engine.inventory.entries import Entries
from holystone.engine.inventory.listing import list_twice
from holystone.engine.model.events import Read
from holystone.engine.model.image_config import ImageConfig, parse_config
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.lock_tags import is_lock_tag
from holystone.engine.model.manifests import (
    NESTED_AT_MOST,
    Labels,
    Malformed,
    Manifest,
    RawManifest,
    every_label,
    parse_manifest,
    parts,
)
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import TAGS, DigestCache, RepositorySession, Wanted
from holystone.engine.scheduler import for_each, in_batches

WORKERS: Final = 64
"""Reads that are prepared at once; how many are really sent is the lane's decision."""
_ASKED: Final = 2
"""Times that something is said to be absent before that is believed, although it is listed or a manifest names it.
A 404 may be a proxy's, or of a replica that lags. The second time is after all others of its kind have been read."""


class Contents(msgspec.Struct, frozen=True):
    """What is remembered of what is read."""

    labels: Labels = every_label
    """Those of configurations."""
    annotations: Labels | None = None
    """Those of manifests; None: none."""
    parts: bool = False
    """The configurations of an index's images are read like a tag's own."""
    undated: Callable[[Tag], bool] = lambda _: False
    """Tags of which configurations are looked at where the listing says of neither tag nor manifest when it came."""


EVERY_LABEL: Final = Contents()


async def read_repository(
    session: RepositorySession,
    cache: DigestCache,
    *,
    needs_config: Callable[[Tag], bool],
    contents: Contents = EVERY_LABEL,
    wanted: Wanted = TAGS,
) -> RepositorySnapshot:
    """`needs_config`: the tags of which configurations are looked at; `wanted`: what the listing is to say. Raises what
    the registry raises."""
    with about(repository=session.repository):
        return await _read(session, cache, needs_config, contents, wanted)


async def _read(
    session: RepositorySession,
    cache: DigestCache,
    needs_config: Callable[[Tag], bool],
    contents: Contents,
    wanted: Wanted,
) -> RepositorySnapshot:
    listing = await list_twice(session, wanted)
    reader = _Reader(session, cache, listing.manifests, contents)
    locks = tuple(tag for tag in listing.tags if is_lock_tag(tag))
    tags, broken = await reader.resolve({tag: at for tag, at in listing.tags.items() if tag not in locks})
    odd = [digest for digest in listing.odd.values() if digest]
    manifests = await reader.manifests((*tags.values(), *listing.untagged, *(listing.loose or ()), *odd))
    manifests |= await reader.manifests(set(listing.indexes) - manifests.keys(), follow=False)
    broken |= {tag: problem for tag, digest in tags.items() if (problem := reader.problems.get(digest))}
    looked_at = {
        digest
        for tag, digest in tags.items()
        if needs_config(tag) or (tag not in listing.put and digest not in listing.pushed and contents.undated(tag))
    }
    if contents.parts:
        looked_at |= parts(looked_at, manifests)
    configs = await reader.configs(
        config for digest in looked_at if (manifest := manifests.get(digest)) and (config := manifest.config)
    )
    for tag, digest in tags.items():
        found = manifests.get(digest)
        if found and found.config and (problem := reader.problems.get(found.config)):
            broken[tag] = problem
    present = {tag: digest for tag, digest in tags.items() if digest not in reader.missing}
    tell(Read(session.repository, len(present), len(manifests), len(configs), len(broken)))
    return RepositorySnapshot(
        session.repository,
        present,
        broken,
        manifests,
        configs,
        listing.exists,
        unclear=reader.unclear,
        unread=reader.unread,
        locked=listing.locked,
        locks=locks,
        put=listing.put,
        pushed=listing.pushed,
        pulls=listing.pulls,
        loose=listing.loose,
        archived=listing.archived,
        odd=listing.odd,
        fetched=reader.fetched,
    )


async def add_referrers(
    session: RepositorySession,
    cache: DigestCache,
    snapshot: RepositorySnapshot,
    subjects: Iterable[Digest],
) -> RepositorySnapshot:
    """The snapshot, with the manifests that refer to `subjects` by the referrers API."""
    found: set[Digest] = set()
    entries: Entries[Digest] = Entries()

    async def ask(subject: Digest) -> None:
        with entries.of(subject):
            found.update(await session.referrers(subject))

    await for_each(sorted(subjects), ask, workers=WORKERS)
    entries.end()
    held = {**snapshot.held, **entries.problems()}
    if not (unknown := sorted(found - snapshot.manifests.keys())):
        return msgspec.structs.replace(snapshot, held=held) if entries.failed else snapshot
    reader = _Reader(session, cache, {}, EVERY_LABEL)
    manifests = await reader.manifests(unknown)
    return msgspec.structs.replace(
        snapshot,
        manifests={**manifests, **snapshot.manifests},
        unclear={**reader.unclear, **snapshot.unclear},
        unread={**reader.unread, **snapshot.unread},
        held=held,
    )


async def add_configs(
    session: RepositorySession, cache: DigestCache, snapshot: RepositorySnapshot, tags: Iterable[Tag]
) -> RepositorySnapshot:
    """The snapshot, with what can be read of the configurations of these tags' images."""
    digests = {snapshot.tags[tag] for tag in tags}
    digests |= parts(digests, snapshot.manifests)
    named = {manifest.config for digest in digests if (manifest := snapshot.manifests.get(digest)) and manifest.config}
    with about(repository=session.repository):
        configs = await _Reader(session, cache, {}, EVERY_LABEL).configs(named - snapshot.configs.keys())
    return msgspec.structs.replace(snapshot, configs={**snapshot.configs, **configs})


class _Reader:
    def __init__(
        self, session: RepositorySession, cache: DigestCache, said: Mapping[Digest, Manifest], contents: Contents
    ) -> None:
        """`said`: manifests that the listing describes so well that they need not be read."""
        self._said = said
        self._contents = contents
        self._session = session
        self._cache = cache
        self.fetched = 0
        self.problems: dict[Digest, str] = {}
        self.missing: set[Digest] = set()
        self.unclear: dict[Digest, tuple[Digest, ...]] = {}
        self.unread: dict[Tag | Digest, str] = {}

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

        async def read(digest: Digest) -> None:
            body = await self._cache.blob(digest)
            if body is not None:
                entries.read += 1
            else:
                with entries.of(digest):
                    body = await self._session.read_blob(digest)
                if body is None:
                    return
                await self._cache.learn_blob(digest, body)
            unknown.discard(digest)
            try:
                config = parse_config(digest, body)
                if config.odd:
                    self.problems[digest] = config.odd
                configs[digest] = msgspec.structs.replace(config, labels=self._contents.labels(config.labels))
            except ValueError as error:
                self.problems[digest] = str(error)

        for _ in range(_ASKED):
            await for_each(sorted(unknown - entries.failed.keys()), read, workers=WORKERS)
        entries.end(may_read=True)
        self.problems |= {digest: f"the registry has no image configuration {digest}" for digest in unknown}
        self.problems |= entries.problems()
        return configs
