"""Who uses the tags of a repository, when there are thousands of repositories to ask it of."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.reasons import InUse
from holystone.engine.model.references import Digest, Reference, RegistryHost, Repository, Tag
from holystone.engine.ports import RepositorySession
from holystone.engine.report.words import user_text
from holystone.policies.in_use import Usage
from holystone.workflows.in_use import FoundInUse, refuse_unfilled
from holystone.workflows.unlisted import look_up


class UsersByRepository:
    def __init__(self, found: FoundInUse) -> None:
        self._found = found
        self._usage = Usage(found.images)
        self._named: defaultdict[Repository, list[UsedImage]] = defaultdict(list)
        for each in found.images:
            if each.repository:
                self._named[each.repository.canonical].append(each)

    @property
    def by_registry(self) -> Mapping[RegistryHost, int]:
        """How many images of each are in use by their names."""
        images = {(at, each.tag, each.digest) for at, those in self._named.items() for each in those}
        return Counter(at.host for at, _, _ in images)

    @property
    def digests(self) -> Set[Digest]:
        """By which something runs, wherever it was pulled from."""
        return self._usage.digests

    def refuse_unfilled(self, repository: Repository) -> None:
        """Raises IncompleteSource where somebody uses a name that may become one of this repository."""
        refuse_unfilled(self._found, (repository,))

    async def of(self, session: RepositorySession, snapshot: RepositorySnapshot) -> Mapping[Tag, tuple[InUse, ...]]:
        """Who uses which tag, by its name or by anything that is behind it. A name that is not listed is asked for.
        Raises IncompleteSource."""
        at, used = snapshot.repository, self._usage
        if named := self._named.get(at.canonical):
            there: dict[Tag, Digest | None] = {**dict.fromkeys(snapshot.broken), **snapshot.tags}

            async def session_of(_: Repository) -> RepositorySession:
                return session

            if unlisted := await look_up(named, {at: there}, session_of):
                used = Usage((*named, *unlisted, *self._found.images))
        found = {tag: used.of(Reference(at, tag), behind(snapshot, digest)) for tag, digest in snapshot.tags.items()}
        return {tag: users for tag, users in found.items() if users}

    def refuse_doomed(self, plan: RepositoryPlan) -> None:
        """What goes with its subject is judged by no rule, and some of it is found only when the plan is made. Raises
        IncompleteSource where somebody uses it."""
        for step in plan.steps:
            digests = [each for each in (step.digest, plan.image_ids.get(step.digest)) if each]
            for tag in step.tags or (None,):
                if users := self._usage.of(Reference(plan.repository, tag) if tag else None, digests):
                    what = f"{plan.repository}:{tag}" if tag else f"{plan.repository}@{step.digest}"
                    raise IncompleteSource(
                        f"{what} would go with what it is attached to, and is in use ({user_text(users[0].by)}).",
                        what_to_do="Keep what it is attached to, or end its use.",
                    )


def behind(snapshot: RepositorySnapshot, digest: Digest) -> Iterable[Digest]:
    """A manifest, what it lists at any depth, and the configurations of all: by each of them something may run."""
    found: dict[Digest, None] = {}
    level = [digest]
    while level:
        each = level.pop()
        if each in found:
            continue
        found[each] = None
        if manifest := snapshot.manifests.get(each):
            level.extend(manifest.children)
            if manifest.config:
                found[manifest.config] = None
    return found
