"""What is asked of an emulator and what it answers, with the bodies: its recording keeps neither."""

from collections.abc import Mapping
from typing import NamedTuple

from holystone.embedded.errors import ErrorReply
from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.server import EmbeddedRegistry


class Exchange(NamedTuple):
    request: Incoming
    reply: Reply

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query


def overhear(emulator: EmbeddedRegistry) -> list[Exchange]:
    """Grows with every request from now on."""
    heard: list[Exchange] = []
    answer = emulator.answer

    def listen(request: Incoming) -> Reply:
        try:
            reply = answer(request)
        except ErrorReply as refused:
            heard.append(Exchange(request, refused.reply))
            raise
        heard.append(Exchange(request, reply))
        return reply

    emulator.answer = listen  # type: ignore[method-assign]
    return heard
