"""A registry, as the engine needs it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Protocol, Self, TypeAlias

import msgspec

from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.inventory import Pulls
from holystone.engine.model.manifests import Manifest, RawManifest
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag


class Wanted(msgspec.Struct, frozen=True):
    """What a list is to say besides tags, where the registry can (`ListingFacts`): it may take more requests."""

    pulls: bool = False
    loose: bool = False
    """Manifests without a tag."""


TAGS: Final = Wanted()
"""Tags, and what comes with them for nothing."""


class Listing(msgspec.Struct, frozen=True):
    """A complete list of a repository's tags. `exists` is False if the registry does not know the repository."""

    tags: Mapping[Tag, Digest | None]
    """With the digest where the list itself says it."""
    exists: bool = True
    locked: Mapping[Tag, str] = {}
    """Tags that the registry will not delete, each with the rule that forbids it, for people."""
    manifests: Mapping[Digest, Manifest] = {}
    """Of which the list itself says all that matters (type, configuration, children): they are not read until their
    bytes are needed."""
    untagged: tuple[Digest, ...] = ()
    """Manifests without a tag that may belong to another one, where the list shows them and `referrers` cannot tell:
    they are read, so that signatures and the like are known."""
    indexes: tuple[Digest, ...] = ()
    """Indexes without a tag, where the registry refuses to delete what they list: they are read, and what they list is
    not."""
    put: Mapping[Tag, int] = {}
    """Unix seconds at which a tag was put onto its manifest last, or a later moment, where the list says it. Never an
    earlier one: whoever deletes by age would take what is young."""
    pushed: Mapping[Digest, int] = {}
    """Unix seconds at which a manifest was pushed, where the list says it. A new tag on it need not change that."""
    pulls: Pulls | None = None
    """None: they were not wanted, or the registry tells none."""
    loose: tuple[Digest, ...] | None = None
    """Manifests without a tag, all that may be deleted, be they needed or not; None: they were not wanted, or the
    registry does not list them."""
    archived: frozenset[Digest] = frozenset()
    """Manifests that the registry has put aside, and does not give out."""
    odd: Mapping[str, Digest | None] = {}
    """Names that are no tags, each with the manifest that it stands for where that can be known."""


class CatalogPage(msgspec.Struct, frozen=True):
    """Some of a registry's repositories, as they came: no name of a catalog is on two pages."""

    repositories: tuple[Repository, ...] = ()
    odd: tuple[str, ...] = ()
    """Names, without the host, that Docker's grammar does not allow: no session can be opened for them. For people."""


class Registry(Protocol):
    """One registry as one credential sees it."""

    @property
    def host(self) -> RegistryHost: ...

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        """The repositories that this credential may see, in no particular order, those with nothing in them too:
        all, or those called `prefix` or beneath it by whole parts of the name (`shop` is `shop` and `shop/app`, never
        `shopping`). A page is handed on as soon as it came, and may be empty; what is kept is a few bytes a name, of
        a bounded number of names.

        It is complete when it ends. Where it raises, what it gave until then is a part of unknown size:
        Unauthorized where the credential lacks the right to list; Unseen where nothing is shown and the registry shows
        everybody only what is his, so that there may be more; IncompleteSource for a catalog that breaks off, turns in
        circles or never stands still, and for a registry that has none; UsageError where the vendor lists nothing
        without an account, namespace or project, which `prefix` must begin with then. What of a registry that shows
        everybody his own is not shown, and which right shows all, is on docs/registries.md. A repository that is made
        or deleted meanwhile may be there or not."""
        ...

    def open(self, repository: Repository) -> "RepositorySession":
        """A session for work on one repository. Sends nothing."""
        ...


class RepositorySession(Protocol):
    """One repository, for as long as somebody works on it: what was listed is remembered here and nowhere else, and
    goes with it. An async context manager.

    Every method may raise Unreachable, Unauthorized, IncompleteSource or RegistryFailure, and may be cancelled at
    any await. Throttling and passing faults are retried inside; whoever calls never sees them. All methods may be
    called concurrently and in any order: a session in which nothing was listed knows less, and asks more. How many
    requests are really sent at once is the lane's decision, not the caller's.
    """

    @property
    def repository(self) -> Repository: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def probe(self) -> Capabilities:
        """What can be done in this repository. Changes nothing on the server; asked once per run."""
        ...

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        """All tags, in no particular order, and what is wanted besides: complete, or IncompleteSource. Never read a
        short answer as the end. Unseen where the registry does not tell a repository that is not there from one that
        may not be read."""
        ...

    async def resolve(self, reference: Tag | Digest, *, alone: bool = False) -> Digest | None:
        """What the tag points to now, never from a cache, or the digest itself if the registry has the manifest; None
        if there is no such tag (or only a dangling one) or manifest. No pull is counted for it. `alone`: the question
        goes over a connection of its own, so that the answer is no other question's; for a second look."""
        ...

    @property
    def manifests_at_once(self) -> int:
        """How many one request reads."""
        ...

    async def read_manifests(self, digests: Sequence[Digest]) -> Mapping[Digest, RawManifest]:
        """The bytes, verified against the digest, of at most `manifests_at_once`; those that the registry does not
        have are left out."""
        ...

    async def read_blob(self, digest: Digest) -> bytes | None:
        """A small blob (an image configuration), verified against the digest; None if the registry does not have it."""
        ...

    async def referrers(self, subject: Digest) -> Sequence[Digest]:
        """Manifests whose `subject` is this one, by the referrers API. Empty where the API is missing: there the
        fallback tags, which `list_tags` gives, tell."""
        ...

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        """One outcome per tag, in order. Needs `Capabilities.tags`. Never raises for a single tag."""
        ...

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        """One outcome per digest, in order. Takes every tag on the manifest with it. Never raises for a single one."""
        ...

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        """Brings back a manifest, and `tags` onto it, by the registry's own undelete. False if the registry has none,
        or cannot any more; then a push may help."""
        ...

    async def push_manifest(self, reference: Tag | Digest, manifest: RawManifest) -> None:
        """Stores the bytes as they are, under a tag or untagged. Raises BlobsMissing if the registry says that it does
        not have the blobs, or the manifests, that are listed; ManifestRefused if it refuses the manifest for what is in
        it and does not say that, which several do that mean it."""
        ...

    async def has_blob(self, digest: Digest) -> bool:
        """Whether the registry has it now, without reading it."""
        ...

    async def push_blob(self, body: bytes) -> Digest:
        """Stores a small blob unless the registry has it."""
        ...


OpenSession: TypeAlias = Callable[[RepositoryPlan], AbstractAsyncContextManager[RepositorySession]]
"""The session of a plan's repository, which may be shared with others until the run ends. Entering raises UsageError
where the repository cannot be worked on."""
