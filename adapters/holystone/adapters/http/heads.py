"""Hosts that send a body with HEAD: there GET takes its place."""

from typing import Final

_ENOUGH: Final = 3
"""Such answers in a row, before HEAD is not tried any more: one may be a proxy's bad moment, and a GET counts as a pull
with some vendors."""


class Heads:
    """How one host answers HEAD. aiohttp takes the body for the beginning of another reply and ends the connection, so
    that no answer is mistaken for one to another question, and none is had. Seen of servers that answer HEAD as GET."""

    def __init__(self) -> None:
        self._garbled = 0
        self._answered = False

    def method(self, wanted: str, limit: int) -> str:
        """What to send. `limit`: bytes that may come in the place of nothing; 0 if GET would be no way, e.g. for
        layers."""
        return "GET" if wanted == "HEAD" and limit and self._garbled >= _ENOUGH else wanted

    def answered(self, sent: str) -> None:
        if sent == "HEAD":
            self._answered, self._garbled = True, 0

    def garbled(self, sent: str, limit: int) -> bool:
        """Whether GET is to be sent in the place of what was answered so. Not where HEAD has worked before."""
        if sent != "HEAD" or not limit or self._answered:
            return False
        self._garbled += 1
        return True

    def __repr__(self) -> str:
        return f"<Heads {'answered' if self._answered else 'not answered'}, {self._garbled} with a body>"
