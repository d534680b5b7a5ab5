"""What retention rules ask of clones: their branches, which commits their branches keep, and what their files name."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from holystone.adapters.git.contents import Contents
from holystone.adapters.git.origin import ReferenceKind
from holystone.adapters.git.prepare import CheckedClone, catch_up, prepare_history, refuse_without_tags
from holystone.adapters.git.repository import GitRepository
from holystone.engine.errors import NOTHING_DELETED, IncompleteSource, UsageError
from holystone.engine.model.notices import Notice
from holystone.engine.model.source_notices import OriginUnasked
from holystone.engine.report.refusal_words import refusal_words
from holystone.policies.git_references import heads_to_ask, select_references
from holystone.policies.retention.candidates import Candidates, CloneFacts, Facts, Mentions, SelectedHistory
from holystone.policies.retention.commits import CommitPrefix, commits_to_ask, images_of
from holystone.policies.retention.rules import CloneName, CommitsOf, Entry, Mentioned, Policy
from holystone.workflows.breadth import bounded, refuse_pairs
from holystone.workflows.origin import without_branches
from holystone.workflows.selected import SelectedCommits

T = TypeVar("T")


class Clones:
    """Clones that policies name, each opened when the first one asks. What was built while registries are read has its
    commit on origin before its image is in a list: so origin is asked anew after each list that clones decide about."""

    def __init__(self, directories: Mapping[CloneName, str], as_of: int, *, synchronize: bool = False) -> None:
        """`synchronize`: what origin has is fetched before it counts, as `--git-history-synchronization` says."""
        self._clones = {name: _Clone(name, Path(each), as_of, synchronize) for name, each in directories.items()}

    async def facts(self, policy: Policy, candidates: Candidates) -> Facts:
        """What the policy asks of its clones, beside the moment. Raises IncompleteSource, and UsageError for a folder
        that is in no clone."""
        clones: dict[CloneName, CloneFacts] = {}
        for name in sorted({name for entry in policy.keep for name in _branches_of(entry)}):
            clones[name] = await self._clones[name].branches()
        histories: dict[CommitsOf, SelectedHistory] = {}
        for wanted, commits in commits_to_ask(policy, candidates).items():
            found = histories[wanted] = await self._clones[wanted.clone].history(wanted, commits)
            refuse_pairs(len(found.selected), images_of(wanted, found.history.times, policy, candidates))
        mentions: dict[Mentioned, Mentions] = {}
        for entry in policy.keep:
            if entry.mentioned_in:
                where = entry.mentioned_in
                mentions[where] = await self._clones[where.clone].mentions(where, candidates)
        return Facts(0, clones=clones, histories=histories, mentions=mentions)

    def references(self, policy: Policy) -> Mapping[CloneName, int]:
        """How many branches and tags each clone that the policy asks has, as it was last seen."""
        names = sorted({name for entry in policy.keep for name in _clones_of(entry)})
        return {name: self._clones[name].references for name in names}

    def notices(self) -> Iterator[Notice]:
        for clone in self._clones.values():
            if clone.unasked:
                yield OriginUnasked(clone.unasked)


def _branches_of(entry: Entry) -> Iterator[CloneName]:
    for name in (entry.branch_exists_in, entry.branch_head_of):
        if name is not None:
            yield name


def _clones_of(entry: Entry) -> Iterator[CloneName]:
    yield from _branches_of(entry)
    for asked in (entry.commits_of, entry.mentioned_in):
        if asked is not None:
            yield asked.clone


class _View:
    """The clone as it was compared with origin, and what was found in it as it was then."""

    def __init__(self, checked: CheckedClone) -> None:
        self.checked = checked
        self.known: dict[CommitsOf | Mentioned, object] = {}


class _Clone:
    def __init__(self, name: CloneName, directory: Path, as_of: int, synchronize: bool) -> None:
        self._name = name
        self._directory = directory
        self._as_of = as_of
        self._synchronize = synchronize
        self._view: _View | None = None
        self._asked_at = float("-inf")
        self._asking = anyio.Lock()
        self._counting = anyio.Lock()

    @property
    def unasked(self) -> str:
        """Why origin was not asked; empty if it was."""
        return self._view.checked.unasked if self._view else ""

    @property
    def references(self) -> int:
        return len(self._view.checked.references.objects) if self._view else 0

    async def branches(self) -> CloneFacts:
        view = await self._caught_up()
        return CloneFacts(tuple(each for each in view.checked.references.found if each.kind == "branch"))

    async def history(self, wanted: CommitsOf, asked: Collection[CommitPrefix]) -> SelectedHistory:
        view = await self._caught_up()
        checked = view.checked
        if asked and checked.unasked and any(each.references.kind == "tag" for each in wanted.keep_policies):
            await anyio.to_thread.run_sync(refuse_without_tags, checked.repository, checked.references)
        known = await self._once(view, wanted, partial(self._select, checked, wanted))
        return SelectedHistory(known.selected, known.history(asked))

    async def mentions(self, where: Mentioned, candidates: Candidates) -> Mentions:
        view = await self._caught_up()
        since = self._as_of - where.within
        tips = {each.commit for each in view.checked.references.found if each.kind == "branch"}
        found: Contents = await self._once(
            view, where, partial(anyio.to_thread.run_sync, view.checked.repository.contents, tips, since)
        )
        return Mentions(
            frozenset(each.tag for each in candidates.tags if found.has(each.tag)),
            frozenset(each.digest for each in candidates.tags if found.has(each.digest)),
        )

    async def _select(self, checked: CheckedClone, wanted: CommitsOf) -> SelectedCommits:
        count = bounded(wanted.keep_policies)
        for each in checked.references.found:
            count(each.name)
        gone = {(kind, _readable(name)) for kind, name in checked.gone}
        selected = select_references(
            checked.references.found,
            wanted.keep_policies,
            self._as_of,
            frozenset(each for each in checked.references.found if (each.kind, each.name) in gone),
        )
        heads = {each.reference.commit for each in selected}
        commits = await anyio.to_thread.run_sync(checked.repository.commits_below, heads)
        history = await anyio.to_thread.run_sync(checked.repository.history, heads_to_ask(selected), commits)
        return SelectedCommits(selected, history, commits)

    async def _once(self, view: _View, what: CommitsOf | Mentioned, find: Callable[[], Awaitable[T]]) -> T:
        async with self._counting:
            if what not in view.known:
                view.known[what] = await find()
            return view.known[what]  # type: ignore[return-value]

    async def _caught_up(self) -> _View:
        """The clone, compared with an origin that was asked after this was called."""
        now = anyio.current_time()
        async with self._asking:
            if self._view is None or self._asked_at < now:
                begun = anyio.current_time()
                repository = self._view.checked.repository if self._view else await self._opened()
                checked = await catch_up(repository, _everything, allow_shallow=False)
                _refuse_without_branches(checked)
                if self._view is None or checked.references != self._view.checked.references:
                    self._view = _View(checked)
                self._view.checked = checked  # what was found in the same references goes on counting
                self._asked_at = begun  # only now: where this fails, those who wait for it must ask themselves
            return self._view

    async def _opened(self) -> GitRepository:
        repository = await prepare_history(self._directory, allow_shallow=False, synchronize_first=self._synchronize)
        if repository is None:
            raise UsageError(
                f"The clone {self._name} is to be in {self._directory}, which is in no git repository.",
                what_to_do="Name the folder of the clone.",
            )
        return repository


def _refuse_without_branches(checked: CheckedClone) -> None:
    """Raises IncompleteSource: that nothing is a branch would doom all that branches keep."""
    if refusal := without_branches(checked.repository, checked.references):
        words = refusal_words(refusal)
        raise IncompleteSource(f"{words.why}.", not_deleted=NOTHING_DELETED, what_to_do=f"{words.what_to_do}.")


def _everything(_kind: ReferenceKind, _name: str) -> bool:
    return True


def _readable(name: str) -> str:
    return name.encode(errors="surrogateescape").decode(errors="replace")
