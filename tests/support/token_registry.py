"""A registry with a token server, in one handler: hands out numbered tokens and accepts those it has not revoked."""

import base64
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import anyio
from aiohttp import web

USER = "rob"
PASSWORD = "correct-horse-battery"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@dataclass(slots=True)
class TokenRegistry:
    realm: str = ""
    """Of the token server; empty: `/token` of the registry itself."""
    grants: str = "pull,push,delete"
    """Actions in every token."""
    expires_in: object = 300
    field_name: str = "token"
    post: bool = False
    """Knows the refresh token flow."""
    delay: float = 0.0
    hold: anyio.Event | None = None
    """Nothing is answered before."""
    fail: list[int] = field(default_factory=list)
    """Statuses that the token server answers first."""
    issued: int = 0
    revoked: set[str] = field(default_factory=set)
    scopes: dict[str, str] = field(default_factory=dict)
    """Of each token."""

    async def handle(self, request: web.Request) -> web.Response:
        if request.path.startswith("/token"):
            return await self._token(request)
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ")
        if header.startswith("Bearer ") and token in self.scopes and token not in self.revoked:
            wanted = "delete" if request.method == "DELETE" else "pull"
            if wanted in self.grants.split(","):
                return web.json_response({"as": token})
            return self._refuse(request, ',error="insufficient_scope"')
        return self._refuse(request, ',error="invalid_token"' if header else "")

    def _refuse(self, request: web.Request, more: str) -> web.Response:
        action = "delete" if request.method == "DELETE" else "pull"
        realm = self.realm or f"http://{request.host}/token?keep=me"
        challenge = f'Bearer realm="{realm}",service="reg",scope="repository:a/b:{action}"{more}'
        body = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
        return web.json_response(body, status=401, headers={"WWW-Authenticate": challenge})

    async def _token(self, request: web.Request) -> web.Response:
        if self.delay:
            await anyio.sleep(self.delay)
        if self.hold:
            await self.hold.wait()
        if self.fail:
            return web.Response(status=self.fail.pop(0), text="not now")
        if request.method == "POST":
            form = parse_qs(await request.text())
            if not self.post:
                return web.Response(status=405)
            scope = form["scope"][0]
        else:
            if request.headers.get("Authorization", BASIC) != BASIC:
                return web.Response(status=401, text=f"no such login: {request.headers['Authorization']}")
            scope = " ".join(request.query.getall("scope", []))
        self.issued += 1
        token = f"token-number-{self.issued}"
        self.scopes[token] = scope
        reply = {self.field_name: token}
        if self.expires_in is not None:
            return web.json_response(text=json.dumps({**reply, "expires_in": self.expires_in}))
        return web.json_response(reply)
