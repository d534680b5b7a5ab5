"""Whether what a run deletes can be put back, and for how long: known, and so said, before the first deletion."""

from typing import Final, Literal

from holystone.engine.model.value import Value

DAY: Final = 86_400


class UndoOutlook(Value, frozen=True):
    """What `holystone undo` can hope for in one repository, with the credential that deletes there."""

    way: Literal["restore", "push", "none"] = "push"
    """`restore`: the registry undeletes by itself. `push`: the journaled manifests are pushed again, for as long as the
    registry has their blobs. `none`: blobs go with the last tag of their manifest, so that there is nothing to push."""
    seconds: int | None = None
    """How long after a deletion that works, by the registry's own word; 0: not at all, or not for sure. None: until its
    garbage collection runs, and nobody says when."""
    lacks: str = ""
    """For people: what the credential lacks for it. Empty if nothing is known to be missing."""
    doubt: str = ""
    """For people: what nobody says beforehand, so that it may be missing all the same. Empty if all of it is known."""

    def __post_init__(self) -> None:
        """Raises ValueError for what contradicts itself: where there is no way, nothing else can be said of it, and a
        registry that keeps what was deleted for no time restores nothing."""
        if self.way == "none" and (self.seconds is not None or self.lacks or self.doubt):
            raise ValueError("no way to undo, and yet something is said of it")
        if self.way == "restore" and self.seconds == 0:
            raise ValueError("an undo by what the registry keeps for no time")

    @property
    def possible(self) -> bool:
        """Whether undo is possible, as far as that is known."""
        return self.way != "none" and self.seconds != 0 and not self.lacks
