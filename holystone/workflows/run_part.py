"""What of a run somebody means by naming repositories, tags and manifests."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from holystone.engine.errors import Refused, UsageError
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.records import RepositoryRecord
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.names import ImageReference
from holystone.engine.ports import Run
from holystone.engine.undo import Part, names_taken

_NOTHING_PUT_BACK: Final = "Nothing was put back."


async def part_of(
    run: Run,
    recorded: Callable[[RepositoryPlan], Awaitable[RepositoryRecord | None]],
    named: Sequence[ImageReference],
) -> Part:
    """`recorded`: what came of a repository. Raises UsageError for what the run did not take away, and Refused for a
    run that `resume` would take up: it would delete what came back."""
    if run.record.state == "open":
        raise Refused(
            f"Run {run.id} is not finished, and `holystone resume` would delete again what is put back.",
            not_deleted=_NOTHING_PUT_BACK,
            what_to_do=f"Let `holystone resume {run.id}` finish it, or end it by `holystone runs give-up {run.id}`.",
        )
    wanted: dict[Repository, set[Tag | Digest]] = {}
    for each in named:
        wanted.setdefault(each.repository.canonical, set()).update(_name(each))
    missing = {at: set[Tag | Digest]() if _is_whole(at, named) else {*names} for at, names in wanted.items()}
    for plan in run.plan.repositories:
        at = plan.repository.canonical
        if at in missing and (record := await recorded(plan)):
            missing[at] -= names_taken(plan, record)
            if not missing[at]:
                del missing[at]
    for at, names in sorted(missing.items()):
        what = _shown(at, min(names)) if names else f"anything from {at}"
        raise UsageError(
            f"Run {run.id} did not take {what} away",
            not_deleted=_NOTHING_PUT_BACK,
            what_to_do=f"`holystone undo {run.id} --dry-run` shows what it took.",
        )
    return {at: frozenset() if _is_whole(at, named) else frozenset(names) for at, names in wanted.items()}


def _shown(at: Repository, name: Tag | Digest) -> str:
    return f"{at}{'@' if isinstance(name, Digest) else ':'}{name}"


def _name(reference: ImageReference) -> tuple[Tag | Digest, ...]:
    name = reference.digest or reference.tag
    return (name,) if name else ()


def _is_whole(at: Repository, named: Sequence[ImageReference]) -> bool:
    return any(each.repository.canonical == at and not _name(each) for each in named)
