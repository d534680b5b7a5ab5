"""Plans written by hand, for what begins where the planner ends."""

from collections.abc import Iterable

from holystone.engine.model.delete_reasons import NotNeeded, NotReached
from holystone.engine.model.manifests import OCI_MANIFEST
from holystone.engine.model.plan import Kept, Pass, Plan, Remove, RepositoryPlan, Untag
from holystone.engine.model.reasons import Foreign, ManifestReason, MayBeNeededBy, Tagged
from holystone.engine.model.references import Digest, Repository, Tag


def untag(tag: str, digest: Digest) -> Untag:
    return Untag(Tag.parse(tag), digest, "delete", (NotReached(),))


def tombstone(tag: str, digest: Digest) -> Untag:
    return Untag(Tag.parse(tag), digest, "tombstone", (NotReached(),))


def remove(digest: Digest, *tags: str) -> Remove:
    return Remove(digest, OCI_MANIFEST, 1, tuple(Tag.parse(tag) for tag in tags), (NotNeeded(),))


def level(*steps: Remove) -> Pass:
    return Pass("manifests", steps)


def repository_plan(
    repository: Repository,
    *passes: Pass,
    kept: dict[str, Digest] | None = None,
    needed: Iterable[Digest] = (),
) -> RepositoryPlan:
    """`needed`: kept manifests besides those of the kept tags."""
    keeps = tuple(Kept(Tag.parse(tag), digest, (Foreign(),)) for tag, digest in sorted((kept or {}).items()))
    manifests: dict[Digest, ManifestReason] = {digest: MayBeNeededBy("a name") for digest in sorted(needed)}
    manifests |= {each.digest: Tagged(each.tag) for each in keeps if each.digest}
    return RepositoryPlan(repository, "memory", passes, keeps, manifests)


def plan(*repositories: RepositoryPlan) -> Plan:
    return Plan(
        as_of=1_700_000_000,
        command="cleanup",
        repositories=tuple(sorted(repositories, key=lambda each: each.repository)),
    )
