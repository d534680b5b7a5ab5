"""Sends the requests to one side, a server or what plays it, logged in as whatever it asks for."""

import base64
import io
import re
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.real.accepted import Difference
from tests.real.replay.answers import Facts, Places, facts
from tests.real.replay.documents import DOCUMENTS
from tests.real.replay.requests import LONG, LONGER, Ask

_PATIENCE: Final = aiohttp.ClientTimeout(total=60)


@dataclass(frozen=True, slots=True)
class Side:
    url: str
    account: str
    """Below which repositories may be made."""
    login: tuple[str, str] | None = None
    api_authorization: str = ""
    """Of the vendor's own API."""


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


Told: TypeAlias = list[tuple[str, Facts]]
"""Each request as it is written, with what came of it."""


def compared(server: str, chapter: str, real: Told, model: Told, by_chance: Collection[str] = ()) -> list[Difference]:
    """One for each request that was not answered alike, with the facts in which the answers differ. Those `by_chance`
    are not looked at."""
    found = []
    for (request, theirs), (_, ours) in zip(real, model, strict=True):
        told = [fact for fact in {**theirs, **ours} if fact not in by_chance]
        differ = [fact for fact in told if theirs.get(fact) != ours.get(fact)]
        if differ:
            found.append(Difference(server, f"{chapter}: {request}", _shown(theirs, differ), _shown(ours, differ)))
    return found


def _shown(told: Facts, differ: Iterable[str]) -> str:
    return ", ".join(f"{fact} {told.get(fact, '–')}" for fact in differ)


@dataclass(slots=True)
class Replaying:
    """One chapter on one side."""

    session: aiohttp.ClientSession
    side: Side
    repo: str
    tokens: dict[str, str] = field(default_factory=dict)
    """By the challenge that they answer."""
    _upload: str = ""

    @property
    def places(self) -> Places:
        return Places(urlsplit(self.side.url).netloc, self.repo, f"{self.repo}-other")

    async def run(self, chapter: Iterable[Ask]) -> Told:
        told: Told = []
        counts: dict[str, int] = {}
        for ask in chapter:
            number = counts[ask.line] = counts.get(ask.line, 0) + 1
            line = ask.line if number == 1 else f"{ask.line} #{number}"
            told.append((line, await self.send(ask)))
        return told

    async def send(self, ask: Ask) -> Facts:
        path = self._filled(ask.path)
        if ask.query:
            path += ("&" if "?" in path else "?") + self._filled(ask.query)
        headers = {name: self._filled(value) for name, value in ask.headers.items()}
        body = None
        if ask.body:
            document = DOCUMENTS[ask.body]
            body = document.body[ask.only]
            if document.media_type:
                headers.setdefault("Content-Type", document.media_type)
        url = URL(path if path.startswith("http") else self.side.url + path, encoded=True)
        status, got, said = await self._logged_in(ask, url, headers, body)
        if "/blobs/uploads/" in got.get("Location", "") and status < 300:
            self._upload = got["Location"]
        return facts(ask, status, got, said, self.places)

    def _filled(self, text: str) -> str:
        named = {name: each.digest for name, each in DOCUMENTS.items()}
        named |= {"repo": self.repo, "other": f"{self.repo}-other", "upload": self._upload}
        named |= {f"hex:{name}": each.digest.partition(":")[2] for name, each in DOCUMENTS.items()}
        project, _, name = self.repo.partition("/")
        named |= {"project": project, "name": quote(name, safe=""), "LONG": LONG, "LONGER": LONGER}
        return re.sub(r"\{([\w:]+)\}", lambda found: named[found[1]], text)

    async def _logged_in(
        self, ask: Ask, url: URL, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, CIMultiDictProxy[str], bytes]:
        if ask.anonymous:
            return await self._request(ask.method, url, headers, body)
        if url.path.startswith("/api/"):
            authorized = {**headers, "Authorization": self.side.api_authorization}
            return await self._request(ask.method, url, authorized, body)
        verb = "read" if ask.method in ("GET", "HEAD") else ask.method
        place = f"{verb} {'other' if '{other}' in ask.path else 'repo' if '{' in ask.path else ask.path}"
        if token := self.tokens.get(place):
            return await self._request(ask.method, url, {**headers, "Authorization": token}, body)
        answer = await self._request(ask.method, url, headers, body)
        if answer[0] != 401:
            return answer
        self.tokens[place] = await self._authorization(answer[1].getall("WWW-Authenticate", ()))
        return await self._request(ask.method, url, {**headers, "Authorization": self.tokens[place]}, body)

    async def _authorization(self, challenges: Iterable[str]) -> str:
        own = {"Authorization": basic(*self.side.login)} if self.side.login else {}
        bearer = next((each for each in challenges if each.lower().startswith("bearer")), "")
        said = dict(re.findall(r'(\w+)="([^"]*)"', bearer))
        if "realm" not in said:
            return own.get("Authorization", "")
        scopes = "".join(f"&scope={scope}" for scope in said.get("scope", "").split() if scope != "*")
        url = URL(f"{said['realm']}?service={quote(said.get('service', ''))}{scopes}", encoded=True)
        async with self.session.get(url, headers=own) as got:
            given = await got.json(content_type=None)
        return f"Bearer {given.get('token') or given.get('access_token')}"

    async def _request(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, CIMultiDictProxy[str], bytes]:
        content = io.BytesIO(body) if body else None
        sent = self.session.request(method, url, data=content, headers=headers, allow_redirects=False)
        try:
            async with sent as got:
                try:
                    return got.status, got.headers, await got.read()
                except aiohttp.ClientPayloadError:  # less came than was said
                    return got.status, got.headers, b"broken off"
        except aiohttp.ClientConnectorError:
            raise
        except aiohttp.ClientConnectionError:
            return 0, CIMultiDictProxy(CIMultiDict()), b"no answer"


@asynccontextmanager
async def connected() -> AsyncIterator[aiohttp.ClientSession]:
    skipped = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
    async with aiohttp.ClientSession(skip_auto_headers=skipped, timeout=_PATIENCE) as session:
        yield session
