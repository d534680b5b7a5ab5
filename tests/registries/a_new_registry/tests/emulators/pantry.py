"""Pantry: its API at /api/shelves, one token for all, and the registry at /v2."""

import re
from typing import Final

from holystone.embedded.errors import ErrorReply
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.quirks import DISTRIBUTION_3_1
from tests.emulators.vendor import Login, VendorEmulator, json_error

_SHELF: Final = re.compile(r"/api/shelves/(.+?)(?:/jars/([^/]+))?")
_KEEPER, _GUEST = "flour-sugar-and-salt", "only-looks-at-the-jars"
_ROLES: Final = {f"Bearer {_KEEPER}": "keeper", f"Bearer {_GUEST}": "guest"}


class PantryEmulator(VendorEmulator):
    implementation = "pantry"

    def __init__(self) -> None:
        super().__init__(quirks=DISTRIBUTION_3_1)

    def login(self) -> Login:
        return self._token(_KEEPER)

    def bad_login(self) -> Login:
        return self._token("eaten-by-mice")

    def weak_login(self) -> Login:
        return self._token(_GUEST)

    def throttling(self) -> Reply:
        return json_reply({"error": "the door is narrow"}, status=429, headers={"Retry-After": "0"})

    def answer(self, request: Incoming) -> Reply:
        role = _ROLES.get(request.headers.get("Authorization", ""))
        if role is None:
            challenge = f'Bearer realm="{request.base}/pantry/token",service="pantry"'
            raise json_error(401, {"error": "who are you?"}, {"WWW-Authenticate": challenge})
        if request.method == "DELETE" and role != "keeper":
            raise json_error(403, {"error": "only a keeper deletes"})
        if request.path == "/api/shelves":
            return self._names(int(request.query["n"]), request.query["after"])
        if found := _SHELF.fullmatch(request.path):
            if self.throttled:
                self.throttled -= 1
                return self.throttling()
            return self._delete(found[1], found[2]) if request.method == "DELETE" else self._list(found[1], role)
        return super().answer(request)

    def may_throttle(self, request: Incoming) -> bool:
        return False

    def _names(self, number: int, after: str) -> Reply:
        if self.throttled:
            self.throttled -= 1
            return self.throttling()
        rest = sorted(name for name in self.storage.repositories if name > after)
        return json_reply({"shelves": rest[:number], "more": len(rest) > number})

    def _list(self, name: str, role: str) -> Reply:
        if not (shelf := self.storage.repositories.get(name)):
            raise _nothing_here()
        return json_reply({"digests": dict(shelf.tags), "role": role})

    def _delete(self, name: str, tag: str) -> Reply:
        shelf = self.storage.repositories.get(name)
        if not shelf or shelf.tags.pop(tag, None) is None:
            raise _nothing_here()
        return Reply(204)

    def _token(self, token: str) -> Login:
        return Login({"HOLYSTONE_REPO_PANTRY_TOKEN": token}, secrets=(token,))


def _nothing_here() -> ErrorReply:
    return json_error(404, {"error": "nothing here"})


EMULATOR = PantryEmulator
