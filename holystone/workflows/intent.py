"""What the policies have to know of the project's git: its history, or what images can be named after; and whether the
clone can know it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Final, Protocol

import anyio.to_thread
import msgspec

from holystone.adapters.git.origin import ReferenceKind, Wanted
from holystone.adapters.git.prepare import CheckedClone, catch_up, refuse_without_tags
from holystone.adapters.git.references import References
from holystone.adapters.git.repository import GitRepository
from holystone.engine.model.history import GitNames, GitReference, History
from holystone.engine.model.notices import Notice
from holystone.engine.model.references import Commit, Tag
from holystone.engine.model.refusals import Refusal
from holystone.engine.model.source_notices import LocalTags, OriginUnasked
from holystone.policies.git_references import heads_to_ask, select_references
from holystone.policies.keep_policies import KeepPolicy
from holystone.policies.werf.v1 import docker_tag_slug, read_images, read_storage
from holystone.policies.werf.v1.git_history import commits_to_ask
from holystone.policies.werf.v1.project import ImageTag, MetadataRecord
from holystone.policies.werf.v1.tag_strategy import StrategyRules, named_commits
from holystone.settings.values import HistorySettings
from holystone.workflows.breadth import bounded
from holystone.workflows.decision import GitIntent, Intent, StrategyIntent
from holystone.workflows.inventory import ProjectInventory
from holystone.workflows.origin import check_origin

_ANY: Final = Commit("0" * 40)


class GitReader(Protocol):
    """What decides, of a git repository, beside its references. Raises IncompleteSource."""

    def history(
        self, heads: Collection[Commit], commits: Collection[Commit], others: Collection[Commit] = ()
    ) -> History: ...


class GitAnswer(msgspec.Struct, frozen=True):
    intent: Intent | None = None
    """None: there is no git repository."""
    notices: tuple[Notice, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    newest: GitReference | None = None
    """The branch or tag with the latest date."""
    references: int | None = None
    """How many branches and tags origin has; None where the clone was allowed to lack some."""
    reached: Mapping[Tag, Commit] | None = None
    """Metadata records whose commit a branch or tag of origin reaches; None likewise."""


async def ask_git(
    repository: GitRepository,
    inventory: ProjectInventory,
    settings: HistorySettings,
    policies: Sequence[KeepPolicy],
    as_of: int,
    *,
    accepted: bool = False,
) -> GitAnswer:
    """Asks origin, too, so that the registries must have been read before. `accepted`: a person says that origin's
    history is another one by now. Raises IncompleteSource."""
    records = read_storage(inventory.snapshots[inventory.storage], inventory.images).metadata
    if settings.decides:
        checked = await catch_up(repository, _by(policies), allow_shallow=settings.allow_shallow_clone)
        references = checked.references
        judged = await read_git(checked.repository, references, policies, records, as_of, _as_found(checked))
        intent: Intent = judged
        history, by_names = judged.history, True
        needs_tags = any(each.references.kind == "tag" for each in policies) and _misses_commits(history, records)
        ignored = references.ignored
    else:
        tags = image_tags(inventory)
        checked = await catch_up(repository, _after(tags), allow_shallow=settings.allow_shallow_clone)
        references = checked.references
        gone = [name for kind, name in checked.gone if kind == "tag"]
        intent = await read_names(checked.repository, references, tags, settings.strategies, gone)
        history = await _history(checked.repository, references, (), commits_to_ask(records))
        by_names = any(each.strategy in ("git-branch", "git-tag") for each in tags)
        needs_tags = any(each.strategy == "git-tag" for each in tags)
        ignored = ()
    if checked.unasked and needs_tags:
        await anyio.to_thread.run_sync(refuse_without_tags, checked.repository, references)
    strange = check_origin(checked.repository, references, history, records if by_names else (), accepted=accepted)
    return GitAnswer(
        intent,
        (*ignored, *_notices(checked, references), *strange.notices),
        strange.refusals,
        max(references.found, key=lambda each: each.date, default=None),
        len(references.objects) if history.complete else None,
        {each.tag: each.commit for each in records if each.commit in history.reached} if history.complete else None,
    )


def _as_found(checked: CheckedClone) -> frozenset[GitReference]:
    """What is gone, as it is among what was found."""
    gone = {(kind, _readable(name)) for kind, name in checked.gone}
    return frozenset(each for each in checked.references.found if (each.kind, each.name) in gone)


def _readable(name: str) -> str:
    return name.encode(errors="surrogateescape").decode(errors="replace")


def _by(policies: Sequence[KeepPolicy]) -> Wanted:
    """Branches and tags that a policy looks at, whatever its limits. Raises IncompleteSource as `bounded`."""
    count = bounded(policies)

    def wanted(kind: ReferenceKind, name: str) -> bool:
        count(name)
        reference = GitReference(kind, _readable(name), _ANY, 0)
        return any(each.references.matches(reference) for each in policies)

    return wanted


def _after(tags: Iterable[ImageTag]) -> Wanted:
    """What images may be named after. Any branch or tag may bring a commit along."""
    strategies = {each.strategy for each in tags}
    return lambda kind, _: bool(strategies & {"git-commit", f"git-{kind}"})


def image_tags(inventory: ProjectInventory) -> Sequence[ImageTag]:
    return [*chain.from_iterable(read_images(inventory.layout, inventory.images, inventory.snapshots).values())]


def _misses_commits(history: History, records: Iterable[MetadataRecord]) -> bool:
    """Whether some image was built at a commit that nothing selected reaches, so that a missing tag may be why."""
    return not commits_to_ask(records) <= history.reached_from.by_heads


def _notices(checked: CheckedClone, references: References) -> Iterable[Notice]:
    if checked.unasked and checked.repository.remotes:  # without any, nobody has more than the clone
        yield OriginUnasked(checked.unasked)
    if local := references.local_tags:
        yield LocalTags(len(local), local[0])


async def read_git(
    repository: GitReader,
    references: References,
    policies: Iterable[KeepPolicy],
    records: Iterable[MetadataRecord],
    as_of: int,
    gone: Collection[GitReference] = frozenset(),
) -> GitIntent:
    """The policies' view of the history. `references`: all of them; `gone`: those that origin has not. Raises
    IncompleteSource."""
    policies = tuple(policies)
    count = bounded(policies)
    for each in references.found:
        count(each.name)
    selected = select_references(references.found, policies, as_of, gone)
    history = await _history(repository, references, heads_to_ask(selected), commits_to_ask(records))
    return GitIntent(selected, history)


async def _history(
    repository: GitReader, references: References, heads: Collection[Commit], commits: Collection[Commit]
) -> History:
    tips = {each.commit for each in references.found}
    return await anyio.to_thread.run_sync(repository.history, heads, commits, tips)


async def read_names(
    repository: GitReader,
    references: References,
    tags: Iterable[ImageTag],
    rules: StrategyRules,
    gone: Collection[str] = (),
) -> StrategyIntent:
    """What of git the tags can be named after. `references`: all of them; `gone`: tags that origin has not. Raises
    IncompleteSource."""
    history = await anyio.to_thread.run_sync(repository.history, (), named_commits(tags))
    names = GitNames(
        branches=_as_tags(references.branch_names),
        tags=_as_tags(references.tag_names),
        commits=frozenset(history.times),
        complete=history.complete,
        gone_tags=_as_tags(gone).keys() - _as_tags({*references.tag_names} - {*gone}).keys() if gone else (),
    )
    return StrategyIntent(names, rules)


def _as_tags(names: Iterable[str]) -> Mapping[str, str]:
    """What werf makes of each name → the name in valid Unicode."""
    return {docker_tag_slug(name): _readable(name) for name in names}
