"""What can be deleted and by which door, before the first deletion. Nothing is changed."""

import secrets
from dataclasses import dataclass

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.quay.api import About
from holystone.adapters.registries.quay.profile import HOSTED, PROFILE
from holystone.adapters.registries.quay.replies import code, not_routed
from holystone.engine.model.capabilities import Capabilities, DigestDeletion, ListingFacts
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.references import Repository, Tag


def nonsense_tag() -> Tag:
    """A tag that nobody has."""
    return Tag(f"holystone-probe-{secrets.token_hex(16)}")


@dataclass(frozen=True, slots=True)
class Doors:
    registry: str
    """Who enters /v2, for people."""
    api: str
    """Whose token it is; empty without one."""
    about: About | None
    """What the API says of the repository."""
    answer: Reply | None
    """Of /v2, asked to delete a tag that does not exist."""
    refusal: str
    """Why there is no answer."""

    @property
    def by_registry(self) -> bool:
        """A code in a 404 is the handler's own: it looked for the tag, after it had looked at the rights."""
        return self.answer is not None and self.answer.status == 404 and bool(code(self.answer))

    @property
    def by_api(self) -> bool:
        """A tenth as fast as /v2: the second choice."""
        return not (self.by_registry or self.closed) and self.about is not None and self.about.can_write

    @property
    def closed(self) -> bool:
        """Whether it is closed to everybody: all of Quay is read-only, or the namespace is disabled
        (endpoints/v2/errors.py)."""
        return self.answer is not None and self.answer.status == 405 and code(self.answer) == "DENIED"

    @property
    def by_digest(self) -> bool:
        """An old server and no token: a digest can be deleted on /v2 since ever, with every tag on it."""
        return self.answer is not None and not_routed(self.answer) and not self.by_api


def capabilities(repository: Repository, doors: Doors) -> Capabilities:
    can = PROFILE.can
    by_tag = doors.by_registry or doors.by_api
    about = doors.about
    return msgspec.structs.replace(
        can,
        forbidden="" if by_tag or doors.by_digest else _why(repository, doors),
        tags=can.tags if by_tag else None,
        digests=DigestDeletion(tags_first=False) if doors.by_digest else None,
        listing=ListingFacts(about is not None, can.listing.page),
        undo=_outlook(about),
        quota=can.quota if repository.host == HOSTED else None,
    )


def _outlook(about: About | None) -> UndoOutlook:
    """A namespace may keep deleted tags for no time at all. A robot restores nothing: it pushes, while Quay still has
    what it will not tell it the time of."""
    if about is None or not about.can_write:
        return UndoOutlook("push")
    seconds = None if about.tag_expiration_s is None else int(about.tag_expiration_s)
    return UndoOutlook("push", 0) if seconds == 0 else UndoOutlook("restore", seconds)


def _why(repository: Repository, doors: Doors) -> str:
    about, answer = doors.about, doors.answer
    state = about.state if about else None
    if answer is not None and answer.status == 405:
        return f"Quay refuses every deletion in {repository} now: {summary(answer)}"
    if state not in (None, "NORMAL"):
        return (
            f"{repository} is in the state {state}: set it to Normal in its settings (Repository State), or leave it "
            "out; what a mirror deletes comes back"
        )
    said = summary(answer) if answer else doors.refusal
    why = f"{doors.registry} may not push to {repository} ({said}): it needs the role Write there"
    if about is None:
        return f"{why}, and the repository must be in the state Normal, neither Read Only nor Mirror"
    return f"{why}; and {doors.api} needs the scope repo:write, and its user the role Write"
