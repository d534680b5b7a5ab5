"""What a run would do by a file of policies, and which entry has a part in it. Nothing is noted of it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.sqlite.baselines import SqliteBaselines
from holystone.adapters.state.sqlite.sightings import RecalledSightings
from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.plan import Plan
from holystone.engine.model.policy_reasons import CannotJudge, KeptByEntry, NothingKeeps, NotKeptBy
from holystone.engine.model.reasons import KeepReason
from holystone.engine.model.references import Reference, Repository, Tag
from holystone.engine.model.selection_notices import PolicyMatchesNothing
from holystone.engine.ports import DigestCache, TagMemory
from holystone.engine.report.notice_words import notice_words, notices_in_order
from holystone.engine.report.policy_report import (
    CheckedEntry,
    CheckedPolicy,
    CheckedProject,
    CheckedRepository,
    CheckedTag,
    EntryOfTag,
    PolicyCheck,
    PolicySummary,
    TagOutcome,
)
from holystone.engine.report.reason_words import reason_words
from holystone.policies.retention.candidates import Candidates, Facts
from holystone.policies.retention.explain import EntrySays, explain, groups_without_branch
from holystone.policies.retention.judge import judge
from holystone.policies.retention.judgement import Judgement
from holystone.policies.retention.narrowed import narrowed
from holystone.policies.retention.rules import Policy, RetentionFile
from holystone.settings.values import KubernetesSettings
from holystone.workflows.gathered import OfPolicy, PruneOptions
from holystone.workflows.judging import judge_repositories
from holystone.workflows.policy_trial import doubts_in_order, policy_summaries

_EXAMPLES: Final = 3
_OF_ENTRIES: Final = (KeptByEntry, CannotJudge, NotKeptBy, NothingKeeps)


class Question(msgspec.Struct, frozen=True):
    file: str
    """As the user calls it."""
    places: Mapping[str, Sequence[str]]
    """Where the entries of each policy stand, by its name."""
    tags: tuple[Reference, ...] = ()
    """Those of which all is to be said."""
    only: tuple[Repository, ...] = ()
    """The repositories that are read, if there are any; else all."""


class Checked(msgspec.Struct, frozen=True):
    told: PolicyCheck
    plan: Plan
    """What a run would do."""


async def check_policies(
    connections: Connections,
    cache: DigestCache,
    retention: RetentionFile,
    kubernetes: KubernetesSettings,
    options: PruneOptions,
    listed: Collection[UsedImage],
    question: Question,
    memory: TagMemory,
) -> Checked:
    """Raises as `judge_repositories`."""
    summaries = {each.name: each for each in policy_summaries(retention.policies, question.places)}
    observer = _Observer(question.tags, summaries)
    wanted = narrowed(retention, question.only) if question.only else retention
    made = await judge_repositories(
        connections,
        cache,
        wanted,
        kubernetes,
        msgspec.structs.replace(options, is_only_shown=True, only_looks=True),
        listed,
        RecalledSightings(options.state_dir),
        observer.judge,
        memory,
    )
    plan = made.prepared.plan
    alone = {each.repository.canonical for each in plan.set_aside if each.repository and not each.project}
    counted = [each for each in plan.counted if each.key.source == "tags" and each.key.repository not in alone]
    known = await SqliteBaselines(options.state_dir).read(each.key for each in counted)
    decided_by = {at.canonical: name for name, each in made.policies.items() for at in each.repositories}
    planned = [each for each in made.projects if not each.is_among(plan.set_aside)]
    of_project = {at: each.name for each in planned for at in each.repositories}
    told = PolicyCheck(
        file=question.file,
        as_of=plan.as_of,
        policies=tuple(observer.policy(each) for each in made.policies.values()),
        projects=tuple(
            CheckedProject(
                each.shown,
                each.images_repo,
                each.stages_storage,
                next((len(found.repositories) for found in planned if found.name == each.shown), None),
            )
            for each in wanted.projects
        ),
        repositories=tuple(
            CheckedRepository(
                each.key.repository,
                decided_by.get(each.key.repository, ""),
                of_project.get(each.key.repository, ""),
                stay=each.left,
                go=each.number - each.left,
                new=bool(known) and each.key not in known,
            )
            for each in counted
            if each.key.repository in decided_by or each.key.repository in of_project
        ),
        tags=tuple(observer.tags(plan, {each.key.repository for each in counted}, decided_by, of_project)),
        set_aside=plan.set_aside,
        notices=tuple(
            notice_words(each).of_one
            for each in notices_in_order(plan.notices)
            if not isinstance(each, PolicyMatchesNothing)  # its policy says so itself
        ),
    )
    return Checked(told, plan)


class _Observer:
    """Judges as a run does, and remembers what that has to say besides; of a repository that is judged again, the last
    of it."""

    def __init__(self, named: Collection[Reference], summaries: Mapping[str, PolicySummary]) -> None:
        self._summaries = summaries
        self._named = tuple(dict.fromkeys(named))
        self._tags: defaultdict[Repository, set[Tag]] = defaultdict(set)
        for each in named:
            self._tags[each.repository.canonical].add(each.tag)
        self._said: dict[Reference, tuple[EntrySays, ...]] = {}
        self._without_branch: defaultdict[tuple[str, int], dict[Repository, int]] = defaultdict(dict)
        self._examples: defaultdict[tuple[str, int], set[str]] = defaultdict(set)

    def judge(self, policy: Policy, candidates: Candidates, facts: Facts) -> Judgement:
        for number, groups in groups_without_branch(policy, candidates, facts).items():
            at = policy.name, number
            self._without_branch[at][candidates.repository] = len(groups)
            self._examples[at] = {*sorted(self._examples[at] | groups)[:_EXAMPLES]}
        here = candidates.repository.canonical
        if here in self._tags:
            for tag, says in explain(policy, candidates, facts, self._tags[here]).items():
                self._said[Reference(here, tag)] = says
        return judge(policy, candidates, facts)

    def policy(self, made: OfPolicy) -> CheckedPolicy:
        summary = self._summaries[made.policy.name]
        return CheckedPolicy(
            summary.name,
            summary.repositories,
            len(made.repositories),
            tuple(
                CheckedEntry(
                    entry.place,
                    entry.entry,
                    matched=tally.matched,
                    alone=tally.alone,
                    together=tally.together,
                    not_judged=doubts_in_order(tally),
                    groups=tally.groups,
                    groups_of_one=tally.groups_of_one,
                    without_branch=sum(self._without_branch[summary.name, number].values()),
                    examples=tuple(sorted(self._examples[summary.name, number])),
                )
                for number, (entry, tally) in enumerate(zip(summary.entries, made.tallies, strict=True))
            ),
        )

    def tags(
        self,
        plan: Plan,
        through: Collection[Repository],
        decided_by: Mapping[Repository, str],
        of_project: Mapping[Repository, str],
    ) -> Iterator[CheckedTag]:
        """`through`: repositories that a run would go through; `decided_by` which policy, or `of_project`."""
        if not self._named:
            return
        staying, going = _reasons(plan, self._tags)
        for each in self._named:
            at = Reference(each.repository.canonical, each.tag)
            why: Sequence[KeepReason | DeleteReason] = ()
            outcome: TagOutcome = "absent" if at.repository in through else "left-alone"
            if at in staying:
                outcome, why = "stay", staying[at]
            elif at in going:
                outcome, why = "go", going[at]
            policy = decided_by.get(at.repository)
            entries = self._summaries[policy].entries if policy else ()
            yield CheckedTag(
                each.repository,
                each.tag,
                outcome,
                tuple(reason_words(reason).of_one for reason in why if not isinstance(reason, _OF_ENTRIES)),
                tuple(
                    EntryOfTag(
                        entry.place,
                        entry.entry,
                        says.answer,
                        tuple(reason_words(reason).of_one for reason in says.why),
                    )
                    for entry, says in zip(entries, self._said.get(at, ()), strict=False)
                ),
                of_project.get(at.repository, ""),
            )


def _reasons(
    plan: Plan, tags: Mapping[Repository, Collection[Tag]]
) -> tuple[Mapping[Reference, Sequence[KeepReason]], Mapping[Reference, Sequence[DeleteReason]]]:
    """Why those of the tags stay that do, and why the others go."""
    staying: dict[Reference, Sequence[KeepReason]] = {}
    going: dict[Reference, Sequence[DeleteReason]] = {}
    for planned in plan.repositories:
        at = planned.repository.canonical
        wanted = tags.get(at, ())
        staying |= {Reference(at, kept.tag): kept.reasons for kept in planned.kept if kept.tag in wanted}
        going |= {Reference(at, tag): step.reasons for step in planned.steps for tag in step.tags if tag in wanted}
    return staying, going
