"""What a registry holds, in memory and without a word of HTTP. Every method is synchronous, so that a request is
either done or not done, and never cancelled half-way."""

import time
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from holystone.embedded.manifests import StoredManifest, read, read_anything
from holystone.engine.model.references import Digest, RepositoryPath, Tag

Left: TypeAlias = Literal["nothing", "tags", "dangling-tags"]
"""Of a manifest that is deleted: see `Quirks.digest_delete_leaves`."""
Begins: TypeAlias = Literal["tag", "manifest", "blob"]
"""See `Quirks.repository_begins`."""


class Missing(LookupError):
    """Blobs or children that a manifest names and the repository lacks."""

    def __init__(self, blobs: Sequence[str], children: Sequence[str]) -> None:
        super().__init__(", ".join((*blobs, *children)))
        self.digests = (*blobs, *children)
        self.blobs = blobs


class RepositoryState:
    """A tag may point to a digest that has no manifest: that is a dangling tag, as crashes leave them."""

    __slots__ = (
        "aliases",
        "blobs",
        "copies",
        "had_manifests",
        "had_tags",
        "manifests",
        "pinned",
        "pushed",
        "tagged",
        "tags",
        "unused",
    )

    def __init__(self) -> None:
        self.tags: dict[str, Digest] = {}
        self.manifests: dict[str, StoredManifest] = {}
        self.copies: dict[str, StoredManifest] = {}
        """Manifests that were deleted, for tags that go on serving them."""
        self.blobs: set[str] = set()
        self.unused: set[str] = set()
        """Of those, what came after every manifest that names it."""
        self.aliases: dict[str, str] = {}
        """Of blobs that are found by another digest than the one by which the storage has them: that one."""
        self.pinned: set[str] = set()
        """Manifests that were pushed by their digests."""
        self.pushed: dict[str, float] = {}
        """When each manifest was pushed last, in unix seconds."""
        self.tagged: dict[str, float] = {}
        """When each tag was given to its manifest."""
        self.had_tags = False
        self.had_manifests = False

    def __repr__(self) -> str:
        return f"<RepositoryState {len(self.tags)} tags, {len(self.manifests)} manifests, {len(self.blobs)} blobs>"

    def has_begun(self, push: Begins) -> bool:
        return {"tag": self.had_tags, "manifest": self.had_manifests, "blob": True}[push]

    def find(self, reference: str) -> StoredManifest | None:
        """The manifest with this tag or digest; None if there is none."""
        if ":" in reference:
            return self.manifests.get(reference)
        digest = self.tags.get(reference, "")
        return self.manifests.get(digest) or self.copies.get(digest)

    def tags_of(self, digest: str) -> tuple[str, ...]:
        return tuple(sorted(tag for tag, target in self.tags.items() if target == digest))

    def indexes_with(self, digest: str) -> tuple[Digest, ...]:
        """Indexes that list this manifest."""
        return tuple(
            index.digest for index in self.manifests.values() if any(child.digest == digest for child in index.children)
        )

    def referrers(self, subject: str) -> tuple[StoredManifest, ...]:
        return tuple(each for each in self.manifests.values() if each.subject == subject)


class Storage:
    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self.repositories: dict[str, RepositoryState] = {}
        self.blobs: dict[str, bytes] = {}
        self._first: dict[str, str] = {}
        """Of each blob, the repository to which it was pushed first."""
        self._uploads: dict[str, bytearray] = {}
        self._uploads_begun = 0

    def __repr__(self) -> str:
        return f"<Storage {len(self.repositories)} repositories, {len(self.blobs)} blobs>"

    def repository(self, name: str) -> RepositoryState:
        """The repository, which is made if it is not there yet. Raises InvalidName."""
        state = self.repositories.get(name)
        if state is None:
            state = self.repositories[RepositoryPath.parse(name)] = RepositoryState()
        return state

    def find(self, name: str, reference: str) -> StoredManifest | None:
        state = self.repositories.get(name)
        return state.find(reference) if state else None

    # Blobs

    def put_blob(self, name: str, body: bytes, algorithm: str = "sha256") -> Digest:
        digest = Digest.of(body, algorithm)
        self.blobs[digest] = body
        self._first.setdefault(digest, name)
        self.link_blob(name, digest, digest)
        return digest

    def link_blob(self, name: str, digest: str, target: str) -> None:
        """Whether there is a blob or not."""
        state = self.repository(name)
        state.blobs.add(digest)
        state.unused.add(digest)
        if target != digest:
            state.aliases[digest] = target

    def adopt_blob(self, name: str, digest: str) -> bool:
        """Unless the repository that had it first, for all others, has it no more. False then."""
        found = digest in self._first
        if found:
            self.link_blob(name, digest, digest)
        return found

    def stored_digest(self, name: str, digest: str) -> str:
        """The one by which the storage has it; empty if it is not there."""
        state = self.repositories.get(name)
        if state is None or digest not in state.blobs:
            return ""
        target = state.aliases.get(digest, digest)
        return target if target in self.blobs else ""

    def find_blob(self, name: str, digest: str) -> bytes | None:
        return self.blobs.get(self.stored_digest(name, digest))

    def delete_blob(self, name: str, digest: str) -> bool:
        """Takes away the repository's own link to a blob, and nothing else. False if there was none."""
        if self.find_blob(name, digest) is None:
            return False
        self.repositories[name].blobs.discard(digest)
        self.repositories[name].aliases.pop(digest, None)
        if self._first.get(digest) == name:
            del self._first[digest]
        return True

    # Uploads

    def begin_upload(self) -> str:
        self._uploads_begun += 1
        upload = f"00000000-0000-4000-8000-{self._uploads_begun:012x}"
        self._uploads[upload] = bytearray()
        return upload

    def upload(self, upload: str) -> bytearray | None:
        """What has come so far; more may be appended to it."""
        return self._uploads.get(upload)

    def end_upload(self, upload: str) -> None:
        self._uploads.pop(upload, None)

    # Manifests and tags

    def put_manifest(
        self,
        name: str,
        body: bytes,
        media_type: str,
        tag: str | None = None,
        *,
        pin: bool = True,
        algorithm: str = "sha256",
        anything: bool = False,
    ) -> StoredManifest:
        """Raises Invalid for the content, Missing for what it needs, InvalidName for the tag. `pin`: without a tag, it
        is held by its digest, which is of that `algorithm`. `anything`: see `Quirks.takes_anything`."""
        manifest = (read_anything if anything else read)(Digest.of(body, algorithm), media_type, body)
        state = self.repository(name)
        blobs = () if anything else manifest.blobs
        missing = [digest for digest in blobs if not self.stored_digest(name, digest)]
        children = [child.digest for child in manifest.children if child.digest not in state.manifests]
        if missing or children:
            raise Missing(missing, children)
        state.unused -= {*blobs}
        state.manifests[manifest.digest] = manifest
        state.pushed[manifest.digest] = self._wall()
        state.had_manifests = True
        if tag is None and pin:
            state.pinned.add(manifest.digest)
        if tag is not None:
            state.tags[Tag.parse(tag)] = manifest.digest
            state.tagged[tag] = self._wall()
            state.had_tags = True
        return manifest

    def delete_tag(self, name: str, tag: str) -> bool:
        """The manifest and its other tags stay. False if there is no such tag."""
        state = self.repositories.get(name)
        return state is not None and state.tags.pop(tag, None) is not None

    def delete_manifest(self, name: str, digest: str, *, leaves: Left = "nothing") -> bool:
        """Every tag on it goes with it, but for what it `leaves`. False if there is no such manifest."""
        state = self.repositories.get(name)
        manifest = state.manifests.pop(digest, None) if state else None
        if state is None or manifest is None:
            return False
        if leaves == "tags":
            state.copies[digest] = manifest
        for tag in state.tags_of(digest) if leaves == "nothing" else ():
            del state.tags[tag]
        state.pinned.discard(digest)
        return True

    def release(self, name: str, digest: str, *, blobs: bool) -> None:
        """Drops a manifest that neither a tag nor its own digest holds; `blobs`: and what no other manifest needs."""
        state = self.repositories[name]
        if not state.tags_of(digest) and digest not in state.pinned:
            state.manifests.pop(digest, None)
            if blobs:
                needed = {blob for each in state.manifests.values() for blob in each.blobs}
                state.blobs &= needed | state.unused

    def lose_manifest(self, name: str, digest: str) -> None:
        """Loses a manifest as a server does that dies in the middle of a deletion: its tags are left dangling."""
        del self.repositories[name].manifests[digest]
