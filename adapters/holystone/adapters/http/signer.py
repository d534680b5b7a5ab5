"""Authorization that is made anew for every attempt: where a vendor wants each request signed, or ends its tokens in
a way of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from yarl import URL

from holystone.adapters.http.authorization import Authorization
from holystone.adapters.http.reply import Reply


@dataclass(frozen=True, slots=True)
class Outgoing:
    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None


class Signer(Protocol):
    """Asked inside the attempt: a signature that waits in the queue of a lane grows old there."""

    async def sign(self, request: Outgoing) -> Authorization | None:
        """The authorization of one attempt; None: the request goes without one."""
        ...

    async def refused(self, used: Authorization, reply: Reply) -> bool:
        """True if the reply says that `used` is not good any more and a newer one can be had. Then the request is
        signed and sent once again."""
        ...
