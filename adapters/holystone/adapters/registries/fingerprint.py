"""What a registry shows of itself to whoever asks without a credential, and how it is asked. Only where neither the
user nor the name of its host says what it is."""

from collections.abc import Callable, Mapping
from typing import Final

import anyio
import msgspec
from yarl import URL

from holystone.adapters.http.authorization import Authorization
from holystone.adapters.http.challenge import BearerChallenge, choose, parse
from holystone.adapters.http.faults import RETRIED
from holystone.adapters.http.reply import Reply, to_url
from holystone.adapters.http.signer import Outgoing
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.http.trust import origin
from holystone.engine.errors import HolystoneError
from holystone.engine.scheduler import Lane

PATIENCE: Final = 10.0
"""Seconds, the wait in the lane included."""
_LIMIT: Final = 16 * 1024
"""Bytes of the answer."""
_ANSWERS: Final = (200, 401)
"""OCI distribution specification, "Determining Support"; a challenge comes with the second."""


class Fingerprint(msgspec.Struct, frozen=True):
    """What an answer to GET /v2/ shows. All empty if there was none that can be used."""

    headers: frozenset[str] = frozenset()
    """Their names, in lower case."""
    allows: frozenset[str] = frozenset()
    """Headers that it lets pages of other sites send, in lower case."""
    realm: URL = URL()
    service: str = ""
    body: bytes = b""


def read_fingerprint(reply: Reply) -> Fingerprint:
    names = frozenset(name.lower() for name in reply.headers)
    listed = ",".join(reply.headers.getall("Access-Control-Allow-Headers", ()))
    allows = frozenset(each.strip().lower() for each in listed.split(","))
    challenge = choose(parse(reply.headers.getall("WWW-Authenticate", ())))
    if not isinstance(challenge, BearerChallenge):
        return Fingerprint(names, allows, body=reply.body)
    try:
        realm = to_url(challenge.realm)
        _ = realm.authority  # port and all, of which some is parsed only where it is looked at
    except ValueError:
        realm = URL()
    return Fingerprint(names, allows, realm, challenge.service, reply.body)


def the_one(shown: Fingerprint, known: Mapping[str, Callable[[Fingerprint], bool]]) -> str | None:
    """The only one of those who are known by what they show; None for nobody, and for more than one: a wrong guess
    costs more than none, since every registry can be cleaned as `default`."""
    found = [name for name, recognizes in known.items() if recognizes(shown)]
    return found[0] if len(found) == 1 else None


class Nobody:
    """A signer that signs nothing. Nothing is sent but the question: a challenge is what we want to see, and following
    it would take a login."""

    async def sign(self, request: Outgoing) -> None:
        return None

    async def refused(self, used: Authorization, reply: Reply) -> bool:
        return False


async def ask(http: RegistryHttp, lane: Lane) -> Fingerprint:
    """What the answer to one GET of /v2/ shows. Nothing, if there is none in time or it comes from another host: what
    keeps the registry from answering is told by whoever needs it, with what could not be read because of it."""
    with anyio.move_on_after(PATIENCE):
        try:
            # Final: a limit for those who do not log in is none for us, and must not pause the host.
            reply = await http.request("GET", "/v2/", lane=lane, limit=_LIMIT, retry=False, final=RETRIED)
        except HolystoneError:
            return Fingerprint()
        if reply.status in _ANSWERS and origin(reply.url) == origin(reply.asked):
            return read_fingerprint(reply)
    return Fingerprint()
