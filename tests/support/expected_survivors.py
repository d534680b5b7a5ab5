"""What must survive a cleanup: werf's rules said a second time, slowly and plainly, over what was published and what
the `git` program says. It shares no code with Holystone's own policies, closure and planner."""

import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import re2

from holystone.demo.published import PublishedProject, PublishedTag
from holystone.engine.model.references import Digest, RepositoryPath, Tag
from tests.support.plain_world import by_number
from tests.support.programs import require

Tags: TypeAlias = Mapping[RepositoryPath, Mapping[Tag, Digest]]
HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Limit:
    last: int | None = None
    within: int | None = None
    """Seconds."""
    operator: Literal["And", "Or"] = "And"

    def newest(self, ordered: Sequence[tuple[int, str]], now: int) -> set[str]:
        """The names that stay. `ordered`: with their dates, newest first."""
        everything = {name for _, name in ordered}
        by_number = everything if self.last in (None, -1) else {name for _, name in ordered[: self.last]}
        by_age = {name for date, name in ordered if self.within is None or date > now - self.within}
        if self.last is not None and self.within is not None and self.operator == "Or":
            return by_number | by_age
        return by_number & by_age


@dataclass(frozen=True, slots=True)
class Policy:
    kind: Literal["tag", "branch"]
    name: str
    """An RE2 expression without anchors."""
    limit: Limit = field(default_factory=Limit)
    images: Limit = field(default_factory=Limit)


WERF_DEFAULTS = (
    Policy("tag", ".*", limit=Limit(last=10)),
    Policy("branch", ".*", limit=Limit(last=10, within=168 * HOUR), images=Limit(last=2, within=168 * HOUR)),
    Policy("branch", "^(master|staging|production)$", images=Limit(last=10)),
)


@dataclass(frozen=True, slots=True)
class Survivors:
    tags: Tags
    doomed_tags: Tags
    manifests: Mapping[RepositoryPath, frozenset[Digest]]
    """All that the tags need or bring with them."""
    doomed_manifests: Mapping[RepositoryPath, frozenset[Digest]]


class _Git:
    def __init__(self, path: Path) -> None:
        self._git = (require("git"), "-C", str(path))
        self.dates: dict[str, int] = {}
        """Committer time of every commit that exists, reachable or not."""
        for line in self._lines("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)"):
            kind, name = line.split()
            if kind == "commit":
                self.dates[name] = 0
        for line in self._lines("log", "--no-walk", "--stdin", "--format=%H %ct", stdin="\n".join(self.dates)):
            name, date = line.split()
            self.dates[name] = int(date)

    def references(self, kind: Literal["tag", "branch"]) -> Mapping[str, tuple[int, str]]:
        """By name without prefix: the date, and the commit."""
        prefix = "refs/tags/" if kind == "tag" else "refs/remotes/origin/"
        found = {}
        for line in self._lines("for-each-ref", "--format=%(refname) %(symref) %(objecttype)", prefix.rstrip("/")):
            reference, symbolic, object_type = line.split(" ")
            if symbolic:
                continue
            (commit,) = self._lines("rev-list", "-1", reference)
            (tagged,) = self._lines("for-each-ref", "--format=%(taggerdate:unix)", reference) or [""]
            date = int(tagged) if object_type == "tag" else self.dates[commit]
            found[reference.removeprefix(prefix)] = (date, commit)
        return found

    def reachable(self, kind: Literal["tag", "branch"], commit: str) -> set[str]:
        return {commit} if kind == "tag" else set(self._lines("rev-list", commit))

    def _lines(self, *arguments: str, stdin: str = "") -> list[str]:
        done = subprocess.run((*self._git, *arguments), input=stdin, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()


def expected_survivors(
    project: PublishedProject,
    there: Tags,
    as_of: int,
    *,
    policies: Sequence[Policy] = WERF_DEFAULTS,
    images: bool = True,
    stages: bool = True,
) -> Survivors:
    """`there`: everything that is tagged before the cleanup. `images` and `stages`: which halves are cleaned."""
    storage = project.stages_storage
    gone: set[tuple[RepositoryPath, Tag]] = set()
    if images:
        doomed, doomed_records = _doomed_by_history(project, policies, as_of)
        gone |= {(tag.repository, tag.tag) for tag in doomed} | {(storage, record) for record in doomed_records}
    if stages:
        remaining = [tag for tag in project.tags if (tag.repository, tag.tag) not in gone]
        gone |= {(storage, tag) for tag in _doomed_stages(project, remaining, as_of)}
    return _without(project, there, gone)


def expected_after_purge(
    project: PublishedProject, there: Tags, *, images: bool = True, stages: bool = True
) -> Survivors:
    """Whatever is not the project's, with all that it needs."""
    storage = project.stages_storage
    gone: set[tuple[RepositoryPath, Tag]] = set()
    if images:
        gone |= {(tag.repository, tag.tag) for tag in project.tags}
    if stages:
        stored = (*(stage.tag for stage in project.stages), *(record.tag for record in project.metadata))
        gone |= {(storage, tag) for tag in (*stored, *project.managed, *project.rejected)}
    return _without(project, there, gone)


def _without(project: PublishedProject, there: Tags, gone: set[tuple[RepositoryPath, Tag]]) -> Survivors:
    keep: dict[RepositoryPath, dict[Tag, Digest]] = {}
    needed: dict[RepositoryPath, frozenset[Digest]] = {}
    for repository, tags in there.items():
        attached = {each.tag for each in project.extras if each.repository == repository and each.subject}
        mine = {tag: digest for tag, digest in tags.items() if (repository, tag) not in gone and tag not in attached}
        mine, needed[repository] = _with_what_belongs_to_it(project, repository, mine)
        keep[repository] = mine
    known = {repository: _all_manifests(project, repository, tags) for repository, tags in there.items()}
    return Survivors(
        tags=keep,
        doomed_tags={
            repository: {tag: digest for tag, digest in tags.items() if tag not in keep[repository]}
            for repository, tags in there.items()
        },
        manifests=needed,
        doomed_manifests={repository: known[repository] - needed[repository] for repository in there},
    )


def _selected(
    git: _Git, policies: Sequence[Policy], now: int
) -> dict[tuple[Literal["tag", "branch"], str], tuple[str, Limit]]:
    """References by kind and name: the commit, and how many images it keeps. The last policy counts."""
    selected = {}
    for policy in policies:
        references = git.references(policy.kind)
        matching = [(date, name) for name, (date, _) in references.items() if re2.search(policy.name, name)]
        # Of equal dates the last by natural order counts as the newest.
        ordered = sorted(matching, key=lambda each: (each[0], by_number(each[1])), reverse=True)
        for name in policy.limit.newest(ordered, now):
            selected[policy.kind, name] = (references[name][1], policy.images)
    return selected


def _doomed_by_history(
    project: PublishedProject, policies: Sequence[Policy], now: int
) -> tuple[list[PublishedTag], set[Tag]]:
    """Image tags and metadata records, in the flavour that deletes tags without metadata."""
    git = _Git(project.path)
    reaches = [
        (git.reachable(kind, commit), limit) for (kind, _), (commit, limit) in _selected(git, policies, now).items()
    ]
    doomed: list[PublishedTag] = []
    doomed_records: set[Tag] = set()
    for image in project.images:
        tags = project.tags_of(image)
        records = [record for record in project.metadata if record.image == image]
        taking_part = {tag.signature for tag in tags} & {record.signature for record in records}
        kept: set[str] = set()
        heads: set[tuple[str, str]] = set()
        """A signature, and the newest commit with it on a reference that keeps it."""
        for reachable, limit in reaches:
            newest: dict[str, tuple[int, str]] = {}
            for record in records:
                if record.signature in taking_part and record.commit in reachable:
                    one = (git.dates[record.commit], str(record.commit))
                    newest[record.signature] = max(newest.get(record.signature, one), one)
            dated = [(date, signature) for signature, (date, _) in newest.items()]
            stays = limit.newest(sorted(dated, key=lambda each: (-each[0], each[1])), now)
            kept |= stays
            heads |= {(signature, newest[signature][1]) for signature in stays}
        doomed += [tag for tag in tags if tag.signature not in kept]
        remaining = {tag.signature for tag in tags if tag.signature in kept}
        for record in records:
            superseded = record.commit in git.dates and (record.signature, str(record.commit)) not in heads
            if record.signature not in remaining or superseded:
                doomed_records.add(record.tag)
    return doomed, doomed_records


def _doomed_stages(project: PublishedProject, remaining: Collection[PublishedTag], now: int) -> set[Tag]:
    by_tag = {stage.tag: stage for stage in project.stages}
    needed = {by_tag[tag.stages[-1]].image_id for tag in remaining}
    needed |= {stage.image_id for stage in project.stages if now - stage.created < 2 * HOUR}
    grown = True
    while grown:
        before = len(needed)
        for stage in project.stages:
            if stage.image_id in needed:
                needed |= {*stage.imports, *((stage.parent,) if stage.parent else ())}
        grown = len(needed) > before
    # The composer knows from another side what each image is made of.
    assert {stage for tag in remaining for stage in (*tag.stages, *tag.imported)} <= {
        stage.tag for stage in project.stages if stage.image_id in needed
    }
    doomed = {stage.tag for stage in project.stages if stage.image_id not in needed}
    return doomed | {mark for mark in project.rejected if mark.removesuffix("-rejected") in doomed}


def _with_what_belongs_to_it(
    project: PublishedProject, repository: RepositoryPath, tags: Mapping[Tag, Digest]
) -> tuple[dict[Tag, Digest], frozenset[Digest]]:
    """The tags with the signatures of their manifests, and of those; and all manifests that they need."""
    kept = dict(tags)
    manifests = set(tags.values())
    grown = True
    while grown:
        before = len(manifests)
        for extra in project.extras:
            if extra.repository == repository and (extra.tag in kept or extra.subject in manifests):
                kept[extra.tag] = extra.digest
                manifests |= {extra.digest, *extra.needs}
        for where, referrer, subject in project.referrers:
            if where == repository and subject in manifests:
                manifests.add(referrer)
        grown = len(manifests) > before
    return kept, frozenset(manifests)


def _all_manifests(
    project: PublishedProject, repository: RepositoryPath, tags: Mapping[Tag, Digest]
) -> frozenset[Digest]:
    found = set(tags.values())
    for extra in project.extras:
        if extra.repository == repository:
            found |= {extra.digest, *extra.needs}
    return frozenset(found | {referrer for where, referrer, _ in project.referrers if where == repository})
