"""What of a project was not looked at, since the names of its tags carry their content, and whether it is so."""

from collections.abc import Collection, Iterable

from holystone.engine.inventory.belief import is_as_believed
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.source_notices import TagsBelieved
from holystone.engine.model.verdicts import Delete
from holystone.engine.ports import TagMemory
from holystone.engine.scheduler import for_each
from holystone.workflows.decision import Decision
from holystone.workflows.inventory import REPOSITORIES_AT_ONCE
from holystone.workflows.unlisted import SessionOf


def acts(decision: Decision) -> bool:
    """Whether anything may go by it, or is refused."""
    doomed = (isinstance(verdict, Delete) for verdicts in decision.verdicts.values() for verdict in verdicts.values())
    return bool(decision.refusals) or any(doomed)


async def are_as_believed(snapshots: Iterable[RepositorySnapshot], memory: TagMemory, session_of: SessionOf) -> bool:
    """Looks at all that was not looked at. Raises what the registries raise."""
    wrong: list[RepositorySnapshot] = []

    async def look(snapshot: RepositorySnapshot) -> None:
        if not wrong and not await is_as_believed(await session_of(snapshot.repository), memory, snapshot):
            wrong.append(snapshot)

    await for_each((each for each in snapshots if each.believed), look, workers=REPOSITORIES_AT_ONCE)
    return not wrong


def believed_notices(moments: Iterable[int], as_of: int) -> Iterable[TagsBelieved]:
    """`moments`: of the last look at each tag that was not looked at again; those of this very run, which are
    after `as_of`, are looks as well."""
    before = [each for each in moments if each <= as_of]
    if before:
        yield TagsBelieved(len(before), min(before))


def together(of: Collection[TagsBelieved]) -> Iterable[TagsBelieved]:
    """One notice of many repositories."""
    if of:
        yield TagsBelieved(sum(each.number for each in of), min(each.since for each in of))
