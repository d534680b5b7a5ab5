"""What was said to a server of ours and what it said, with bodies: its recording keeps neither."""

from typing import NamedTuple

from holystone.embedded.errors import Refusal
from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.server import EmbeddedRegistry


class Exchange(NamedTuple):
    request: Incoming
    reply: Reply


def overhear(server: EmbeddedRegistry) -> list[Exchange]:
    """Filled from now on."""
    heard: list[Exchange] = []
    answer = server.answer

    def listening(request: Incoming) -> Reply:
        try:
            reply = answer(request)
        except Refusal as refused:
            reply = refused.reply
        heard.append(Exchange(request, reply))
        return reply

    server.answer = listening  # type: ignore[method-assign]
    return heard
