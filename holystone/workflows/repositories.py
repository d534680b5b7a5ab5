"""The repositories of a registry that policies are about, as its catalog shows them."""

from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.engine.errors import Unseen
from holystone.engine.model.notices import Notice
from holystone.engine.model.references import RegistryHost, Repository
from holystone.engine.model.selection_notices import (
    BesideProject,
    ClaimedTwice,
    NamesOdd,
    OfProject,
    PolicyMatchesNothing,
    RepositoriesUnclaimed,
)
from holystone.engine.report.words import shown
from holystone.policies.retention.project_places import places_above, places_of
from holystone.policies.retention.reach import Reach, spelled_out
from holystone.policies.retention.repository_patterns import RepositoryPattern, any_matches
from holystone.policies.retention.rules import Policy, WerfProject
from holystone.workflows.aside import GatheredProject


class Claimed(msgspec.Struct, frozen=True):
    repository: Repository
    policy: Policy


class Selection:
    """Which policy decides for which repository, and what is to be told of those that none does."""

    def __init__(self, policies: Iterable[Policy], projects: Iterable[WerfProject] = ()) -> None:
        """`projects`: what lies where they keep images and stages is theirs, and no policy's."""
        self._policies = tuple(policies)
        self._patterns = [(_spelled(each.repositories), _spelled(each.except_)) for each in self._policies]
        self._places: dict[str, list[str]] = {}
        """Where images or stages of projects are, and of which."""
        for each in projects:
            for place in places_of(each):
                self._places.setdefault(place, []).append(each.shown)
        self._matched = [0] * len(self._policies)
        self._unclaimed: dict[RegistryHost, tuple[int, Repository]] = {}
        self._twice: dict[tuple[str, str], tuple[int, Repository]] = {}
        self._odd: dict[RegistryHost, tuple[int, str]] = {}
        self._of_projects: set[Repository] = set()

    def claim(self, repository: Repository) -> Claimed | None:
        """The policy that decides for it: the first that matches. None where none does, or the repository is a
        project's."""
        canonical = repository.canonical
        if not self._places.keys().isdisjoint(places_above(canonical)):
            self._of_projects.add(canonical)
            return None
        matching = [
            number
            for number, (about, but) in enumerate(self._patterns)
            if any_matches(about, canonical) and not any_matches(but, canonical)
        ]
        for number in matching:
            self._matched[number] += 1
        if not matching:
            self._unclaimed[repository.host] = _counted(self._unclaimed.get(repository.host), repository)
            return None
        first, *others = (self._policies[number] for number in matching)
        for other in others[:1]:
            at = first.name, other.name
            self._twice[at] = _counted(self._twice.get(at), repository)
        return Claimed(repository, first)

    def odd(self, host: RegistryHost, names: Iterable[str]) -> None:
        for name in names:
            number, first = self._odd.get(host, (0, name))
            self._odd[host] = number + 1, min(first, name)

    def notices(self, projects: Sequence[GatheredProject]) -> Iterable[Notice]:
        """`projects`: those that were planned. Of another one it is not known which repositories are its own."""
        for host, (number, example) in self._unclaimed.items():
            yield RepositoriesUnclaimed(host, number, example)
        for (first, other), (number, example) in self._twice.items():
            yield ClaimedTwice(number, example, first, other)
        for host, (number, name) in self._odd.items():
            yield NamesOdd(host, number, shown(name))
        yield from self._notices_of_projects(projects)
        for policy, matched in zip(self._policies, self._matched, strict=True):
            if not matched:
                yield PolicyMatchesNothing(policy.name)

    def _notices_of_projects(self, planned: Sequence[GatheredProject]) -> Iterable[Notice]:
        known = {each.name for each in planned}
        own: dict[str, tuple[int, Repository]] = {}
        beside: dict[str, tuple[int, Repository]] = {}
        for repository in self._of_projects:
            owner = next((each.name for each in planned if repository in each.repositories), None)
            # Where one project's place lies in another's, the nearest counts.
            nearest = [self._places[each] for each in places_above(repository) if each in self._places][-1]
            found = beside if owner is None and known.issuperset(nearest) else own
            name = owner or nearest[0]
            found[name] = _counted(found.get(name), repository)
        for name, (number, example) in own.items():
            yield OfProject(number, example, name)
        for name, (number, example) in beside.items():
            yield BesideProject(number, example, name)


def _spelled(patterns: Iterable[RepositoryPattern]) -> tuple[RepositoryPattern, ...]:
    return tuple(RepositoryPattern(spelled_out(each.text)) for each in patterns)


def _counted(before: tuple[int, Repository] | None, repository: Repository) -> tuple[int, Repository]:
    number, example = before or (0, repository)
    return number + 1, min(example, repository)


async def claimed_repositories(
    connections: Connections,
    reaches: Sequence[Reach],
    implementation: str | None,
    selection: Selection,
    unseen: dict[Reach, Unseen],
) -> AsyncIterator[Claimed]:
    """The repositories of one registry that a policy is about, as they come. `unseen` takes the parts of which nothing
    is shown. Raises as `Connections.catalog`, and Unseen if nothing at all is shown."""
    for each in reaches:
        if each.alone:
            if claimed := selection.claim(each.repository):
                yield claimed
            continue
        try:
            async for page in await connections.catalog(each.host, each.prefix, implementation):
                selection.odd(each.host, page.odd)
                for repository in page.repositories:
                    if claimed := selection.claim(repository):
                        yield claimed
        except Unseen as error:
            unseen[each] = error
            if len(unseen) == len(reaches):
                raise
