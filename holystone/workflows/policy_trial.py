"""Tries a policy on a list of tags, without a registry."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from holystone.adapters.retention_file.tag_list import ListedImage
from holystone.engine.errors import UsageError
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.model.verdicts import Keep
from holystone.engine.report.notice_words import notice_words, notices_in_order
from holystone.engine.report.policy_report import (
    NotJudged,
    PolicyEntry,
    PolicySummary,
    PolicyTrial,
    ProjectSummary,
    TriedEntry,
    TriedTag,
)
from holystone.engine.report.policy_words import DOUBTS
from holystone.engine.report.reason_words import reason_words
from holystone.engine.report.refusal_words import refusal_words, refusals_in_order
from holystone.policies.retention.candidates import Candidate, Candidates, Facts, Moment
from holystone.policies.retention.judgement import EntryTally
from holystone.policies.retention.rules import Policy, WerfProject, policy_for
from holystone.policies.retention.trial import Missing, Trial, try_policy
from holystone.policies.retention_data.written import shown_entry

_MISSING: Final[Mapping[Missing, str]] = {
    "clone": "a clone",
    "labels": "labels",
    "pulls": "times of pulls",
    "commits": "commits of images",
}
_SOME: Final = Repository(RegistryHost("registry"), RepositoryPath("repository"))
"""Where the tags are taken to be if nothing says it."""


def policy_summaries(policies: Iterable[Policy], places: Mapping[str, Sequence[str]]) -> tuple[PolicySummary, ...]:
    """Each policy in short. `places`: where its entries stand, by its name."""
    return tuple(
        PolicySummary(
            each.name,
            tuple(pattern.text for pattern in each.repositories),
            tuple(
                PolicyEntry(place, shown_entry(entry))
                for place, entry in zip(places[each.name], each.keep, strict=True)
            ),
        )
        for each in policies
    )


def project_summaries(projects: Iterable[WerfProject]) -> tuple[ProjectSummary, ...]:
    return tuple(ProjectSummary(each.shown, each.images_repo, each.stages_storage) for each in projects)


def chosen(policies: Sequence[Policy], repository: Repository | None) -> Policy:
    """The policy that decides for a repository. Raises UsageError if there is none."""
    if repository is None:
        if len(policies) == 1:
            return policies[0]
        raise UsageError(
            f"--repository is missing: the file has {len(policies):,} policies, and the repository's name says which "
            "of them decides",
            what_to_do="Give --repository REGISTRY/NAME.",
        )
    if policy := policy_for(policies, repository):
        return policy
    raise UsageError(
        f"--repository: no policy is about {repository}, which is therefore left alone",
        what_to_do="Look at the policies' `repositories` and `except`; the name begins with the registry's host.",
    )


def tried(
    policy: Policy, repository: Repository | None, images: Iterable[ListedImage], places: Sequence[str], now: int
) -> PolicyTrial:
    """What the policy says of these images. `places`: where its entries stand; `now`: Unix seconds."""
    tags = tuple(_candidate(each) for each in images)
    where = repository or _SOME
    trial = try_policy(policy, Candidates(where, tags, tells_pulls=True), Facts(now))
    told = tuple(
        TriedTag(
            tag,
            "open" if tag in trial.open else "stay" if isinstance(verdict, Keep) else "go",
            tuple(reason_words(reason).of_one for reason in verdict.reasons),
        )
        for tag, verdict in trial.verdicts.items()
    )
    outcomes = [each.outcome for each in told]
    return PolicyTrial(
        policy=policy.name,
        repository=str(where),
        as_of=now,
        stay=outcomes.count("stay"),
        go=outcomes.count("go"),
        open=outcomes.count("open"),
        entries=tuple(
            _entry(place, shown_entry(entry), tally, trial, number)
            for number, (place, entry, tally) in enumerate(zip(places, policy.keep, trial.entries, strict=True))
        ),
        tags=told,
        refusals=tuple(refusal_words(each).why for each in refusals_in_order(trial.refusals)),
        notices=tuple(notice_words(each).of_one for each in notices_in_order(trial.notices)),
    )


def _candidate(image: ListedImage) -> Candidate:
    """A tag without a digest is an image of its own."""
    return Candidate(
        image.tag,
        image.digest or Digest.of(image.tag.encode()),
        None if image.pushed is None else Moment(image.pushed, "tag-pushed"),
    )


def doubts_in_order(tally: EntryTally) -> tuple[NotJudged, ...]:
    """What an entry cannot judge, and why; most first."""
    doubts = sorted(tally.doubts.items(), key=lambda each: -each[1])
    return tuple(NotJudged(doubt, DOUBTS[doubt], tags) for doubt, tags in doubts)


def _entry(place: str, shown: str, tally: EntryTally, trial: Trial, number: int) -> TriedEntry:
    needs = trial.missing.get(number)
    return TriedEntry(
        place,
        shown,
        matched=tally.matched,
        alone=tally.alone,
        together=tally.together,
        not_judged=doubts_in_order(tally),
        groups=tally.groups,
        groups_of_one=tally.groups_of_one,
        needs=_MISSING[needs] if needs else "",
    )
