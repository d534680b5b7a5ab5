"""What comes of many repositories, until all have been read and it is one plan."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from holystone.adapters.state.spool import FileSpool
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.notices import FamiliarTagsGo, Notice
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.model.refusals import EntryMatchesNothing, Refusal
from holystone.engine.model.selection_notices import EntryUnmatched, ReadsCountAsPulls, UntaggedUnlisted
from holystone.engine.model.set_aside import SetAside, is_set_aside
from holystone.engine.model.source_notices import TagsBelieved
from holystone.engine.model.sources import Counted, Key
from holystone.engine.planner.assemble import assemble
from holystone.engine.planner.refusals import FuseLimits, blow_fuse_of_all
from holystone.engine.planning import Judged, PlannedRepository
from holystone.policies.retention.judgement import EntryTally, Judgement, add_tallies, entries_without_match
from holystone.policies.retention.rules import CloneName, Policy
from holystone.workflows.aside import GatheredProject, left_out, with_projects, without
from holystone.workflows.belief import believed_notices, together

COMMAND: Final = "prune"
_ALL: Final = RepositoryPath("all")
"""Stands for what is a whole registry's, among what is counted."""


class PruneOptions(msgspec.Struct, frozen=True):
    as_of: int
    """Unix seconds."""
    fuse: FuseLimits | None
    """None: the user said --yes-delete-that-many."""
    folder: Path
    """Where what does not fit into memory is kept meanwhile."""
    state_dir: Path
    is_only_shown: bool = False
    """Nobody can act upon the plan."""
    accept_new_baseline: bool = False
    """What has shrunk since the last run has done so rightly."""
    allow_clock_skew: bool = False
    """Our clock, or a registry's, is wrong, and that is meant."""
    synchronize: bool = False
    """Clones fetch what origin has before it counts."""
    only_looks: bool = False
    """Nothing is going to be changed, so that no other run is in the way."""


class Seen(msgspec.Struct, frozen=True):
    """What a look at one repository has found."""

    judged: Judged
    snapshot: RepositorySnapshot
    notices: tuple[Notice, ...]
    judgement: Judgement | None = None
    """None: no policy may judge it."""
    references: Mapping[CloneName, int] = {}
    """How many branches and tags each clone has that its policy asks."""


class OfPolicy(msgspec.Struct):
    """What came of a policy, as far as is known."""

    policy: Policy
    tallies: tuple[EntryTally, ...]
    repositories: list[Repository] = []
    whole: bool = True
    """Whether each of its repositories could be read."""


class Gathered:
    """Holds a line of each repository; their plans are in a spool."""

    def __init__(
        self,
        options: PruneOptions,
        policies: Iterable[Policy],
        notices: Iterable[Notice],
        used: Mapping[RegistryHost, int] | None = None,
    ) -> None:
        """`used`: how many images of each registry are in use; None: nobody was asked."""
        self._options = options
        self._used = used
        self._plans = FileSpool(RepositoryPlan, options.folder)
        self._counted: list[Counted] = []
        self.projects: list[GatheredProject] = []
        self._set_aside: list[SetAside] = []
        self.policies = {each.name: OfPolicy(each, tuple(EntryTally() for _ in each.keep)) for each in policies}
        self._unlisted: set[tuple[RegistryHost, str]] = set()
        self._pulled: Counter[RegistryHost] = Counter()
        """Manifests that our own reading has pulled, where a policy goes by pulls."""
        self.notices = list(notices)
        self._believed: list[TagsBelieved] = []

    def add(self, policy: Policy, planned: PlannedRepository, seen: Seen) -> None:
        """A repository that was judged."""
        at, tags = planned.plan.repository, len(seen.snapshot.names)
        refusals = planned.refusals
        if seen.judgement:
            refusals = (*refusals, *seen.judgement.refusals)
            of = self.policies[policy.name]
            of.tallies = add_tallies(of.tallies, seen.judgement.entries)
            of.repositories.append(at)
            if policy.untagged_after is not None and seen.snapshot.exists and seen.snapshot.loose is None:
                self._unlisted.add((at.host, policy.name))
            if seen.snapshot.pulls is not None:
                self._pulled[at.host] += seen.snapshot.fetched
        if refusals := self._binding(refusals):
            self.set_aside(SetAside(at.host, at, refusals))
            return
        self._counted.append(Counted(Key("tags", at.canonical), tags, tags - len(planned.plan.doomed_tags)))
        for clone, number in seen.references.items():
            self._counted.append(Counted(Key("references", at.canonical, clone), number, number))
        self.notices += (*planned.notices, *seen.notices)
        self._believed += believed_notices(planned.believed.values(), self._options.as_of)
        if seen.snapshot.exists:
            self._plans.append(planned.plan)

    def add_project(self, project: GatheredProject, plan: Plan) -> None:
        """A project that was decided. Any refusal is about all of it."""
        if refusals := self._binding(plan.refusals):
            self.set_aside(project.aside(refusals))
            return
        self.projects.append(project)
        self.notices += project.notices
        for each in plan.repositories:
            self._plans.append(each)

    def _binding(self, refusals: tuple[Refusal, ...]) -> tuple[Refusal, ...]:
        return refusals if self._options.fuse else tuple(each for each in refusals if each.promise != "fuse")

    def set_aside(self, what: SetAside, unread: Sequence[Policy] = ()) -> None:
        """`unread`: policies of which repositories could not be read."""
        self._set_aside.append(what)
        for each in self.policies.values():
            if what.repository is None or each.policy in unread:
                each.whole = False

    def plan(self) -> Plan:
        """The plan of what can be done, without what must be left alone."""
        self._look_for_misspelled()
        self.notices += (UntaggedUnlisted(host, policy) for host, policy in sorted(self._unlisted))
        self.notices += (ReadsCountAsPulls(host, number) for host, number in sorted((+self._pulled).items()))
        self.notices += together(self._believed)
        aside = with_projects(self._set_aside, self.projects)
        alone = left_out(aside, self.projects)
        self.notices = [
            each for each in self.notices if not (isinstance(each, FamiliarTagsGo) and each.repository in alone)
        ]
        plans = without(self._plans, alone, self._options.folder) if alone else self._plans
        counted = [each for each in self._counted if not is_set_aside(each.key.repository, alone)]
        of_projects = [
            each
            for project in self.projects
            for each in project.counted
            if not is_set_aside(each.key.repository, alone)
        ]
        tags = [each for each in (*counted, *of_projects) if each.key.source == "tags"]
        total, left = sum(each.number for each in tags), sum(each.left for each in tags)
        fuse = self._options.fuse
        blown = blow_fuse_of_all(total - left, total, fuse) if fuse else None
        plan = assemble(
            as_of=self._options.as_of,
            command=COMMAND,
            repositories=plans,
            notices=self.notices,
            refusals=(blown,) if blown else (),
        )
        counted = sorted((*self._count_used(counted), *counted, *of_projects))
        return msgspec.structs.replace(plan, counted=tuple(counted), set_aside=aside)

    def _count_used(self, counted: Iterable[Counted]) -> Iterable[Counted]:
        """That nothing of a registry is in use where something was is seldom true, and then all that no entry keeps
        goes. A project counts for itself."""
        if self._used is not None:
            for host in sorted({each.key.repository.host for each in counted}):
                number = self._used.get(host, 0)
                yield Counted(Key("in-use", Repository(host, _ALL), host), number, number)

    def _look_for_misspelled(self) -> None:
        """What an entry that matches nothing means to keep, would go. That it matches nothing is known only where all
        of its repositories were read."""
        for each in self.policies.values():
            missing = entries_without_match(each.policy, each.tallies) if each.repositories else ()
            if missing and each.whole:
                self._set_aside += (SetAside(at.host, at, missing) for at in each.repositories)
            else:
                self.notices += map(_told, missing)


def _told(missing: EntryMatchesNothing) -> Notice:
    return EntryUnmatched(missing.policy, missing.entry, missing.tags)
