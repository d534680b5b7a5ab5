"""Asks a registry what it is. Only where neither the user nor the name of its host says so."""

from typing import Final

import anyio

from holystone.adapters.http.authorization import Authorization
from holystone.adapters.http.faults import RETRIED
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.signer import Outgoing
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.http.trust import origin
from holystone.adapters.registries.signs import Signs, read_signs
from holystone.engine.errors import HolystoneError
from holystone.engine.scheduler import Lane

PATIENCE: Final = 10.0
"""Seconds, the wait in the lane included."""
_LIMIT: Final = 16 * 1024
"""Bytes of the answer."""
_ANSWERS: Final = (200, 401)
"""OCI distribution specification, "Determining Support"; a challenge comes with the second."""


class Nobody:
    """A signer that signs nothing. Nothing is sent but the question: a challenge is what we want to see, and following
    it would take a login."""

    async def sign(self, request: Outgoing) -> None:
        return None

    async def refused(self, used: Authorization, reply: Reply) -> bool:
        return False


async def ask(http: RegistryHttp, lane: Lane) -> Signs:
    """What the answer to one GET of /v2/ shows. Nothing, if there is none in time or it comes from another host: what
    keeps the registry from answering is told by whoever needs it, with what could not be read because of it."""
    with anyio.move_on_after(PATIENCE):
        try:
            # Final: a limit for those who do not log in is none for us, and must not pause the host.
            reply = await http.request("GET", "/v2/", lane=lane, limit=_LIMIT, retry=False, final=RETRIED)
        except HolystoneError:
            return Signs()
        if reply.status in _ANSWERS and origin(reply.url) == origin(reply.asked):
            return read_signs(reply)
    return Signs()
