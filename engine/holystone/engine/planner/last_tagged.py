"""Some registries refuse to delete the last manifest that has a tag: then the newest stays, instead of whichever
happens to be tried last."""

from math import inf

from holystone.engine.closure.close import Closed
from holystone.engine.closure.graph import attached_tags
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.reasons import LastTagged
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdicts


def keep_newest(snapshot: RepositorySnapshot, closed: Closed, verdicts: Verdicts) -> Verdicts | None:
    """The verdicts to close again with, or None if a tag stays anyway."""
    there = [tag for tag in closed.verdicts if tag in snapshot.tags]
    if any(isinstance(closed.verdicts[tag], Keep) for tag in there):
        return None
    attached = attached_tags(snapshot)
    own = [tag for tag in there if isinstance(verdicts.get(tag), Delete) and tag not in attached]

    def age(tag: Tag) -> tuple[float, int, Tag]:
        """One of which it is not known when it was put there may be the newest."""
        return snapshot.put.get(tag, inf), snapshot.pushed.get(snapshot.tags[tag], 0), tag

    return {**verdicts, max(own, key=age): Keep((LastTagged(),))} if own else None
