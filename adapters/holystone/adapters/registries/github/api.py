"""GitHub's REST API as one token, and what it says about that token and about owners of packages."""

from collections.abc import Collection
from typing import Any, Final

import anyio
import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.oci_replies import MANIFEST_LIMIT, PAGE_LIMIT, STRANGE
from holystone.adapters.registries.page import decoded_page
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.scheduler import Lane

_ACCEPT: Final = "application/vnd.github+json"
_VERSION: Final = {"X-GitHub-Api-Version": "2022-11-28"}


class _Account(msgspec.Struct):
    login: str
    type: str = ""
    """`User` or `Organization`."""


class GithubApi:
    def __init__(self, http: RegistryHttp, reads: Lane, writes: Lane, *, who: str) -> None:
        """`who` names the token and where it came from, for people."""
        self.who = who
        self.scopes: frozenset[str] | None = None
        """As the last reply that told them said. Only classic tokens have any; None for all others, and until asked."""
        self._http = http
        self._reads = reads
        self._writes = writes
        self._prefixes: dict[str, str] = {}
        self._asking = anyio.Lock()

    def __repr__(self) -> str:
        return f"<GithubApi {self._http!r}>"

    async def get(self, path: str, final: Collection[int] = ()) -> Reply:
        reply = await self._http.request(
            "GET", path, lane=self._reads, limit=PAGE_LIMIT, accept=_ACCEPT, headers=_VERSION, final=final
        )
        return self._noted(reply)

    async def write(self, method: str, path: str) -> Reply:
        reply = await self._http.request(
            method, path, lane=self._writes, limit=MANIFEST_LIMIT, accept=_ACCEPT, headers=_VERSION
        )
        return self._noted(reply)

    async def query(self, document: str, accept: str, *, writes: bool = False, **variables: object) -> Reply:
        """One GraphQL operation. The API must have been opened where `/graphql` is."""
        reply = await self._http.request(
            "POST",
            "/graphql",
            lane=self._writes if writes else self._reads,
            limit=PAGE_LIMIT,
            accept=accept,
            headers={"Content-Type": "application/json"},
            body=msgspec.json.encode({"query": document, "variables": variables}),
        )
        return self._noted(reply)

    async def prefix(self, owner: str) -> str:
        """What stands before the path of a package: an organization, another user, or the token's own account, whose
        private packages only `/user` gives (dataaxiom/ghcr-cleanup-action:src/octokit-client.ts)."""
        async with self._asking:
            if owner not in self._prefixes:
                self._prefixes[owner] = await self._find_prefix(owner)
            return self._prefixes[owner]

    def lacks(self, *needed: str) -> str:
        """Says to people which scopes a classic token has not. Empty if it has them all, or none can be told."""
        missing = [scope for scope in needed if self.scopes is not None and scope not in self.scopes]
        return f"{self.who} lacks the scope {' and '.join(missing)}" if missing else ""

    async def _find_prefix(self, owner: str) -> str:
        reply = await self.get(f"/users/{owner}")
        if reply.status == 404:
            raise IncompleteSource(
                f"GitHub knows no user or organization {owner}: {summary(reply)}.",
                what_to_do="Check the address of the repository, and that the token belongs to the same GitHub.",
            )
        account = _account(reply, f"Who {owner} is")
        if account.type == "Organization":
            return f"/orgs/{owner}"
        own = await self.get("/user")  # 403 for tokens of workflows and apps, which are nobody's
        mine = own.status == 200 and _account(own, "Whose the token is").login.lower() == owner
        return "/user" if mine else f"/users/{owner}"

    def _noted(self, reply: Reply) -> Reply:
        told = reply.headers.get("X-OAuth-Scopes")
        if told is not None:
            self.scopes = frozenset(filter(None, (scope.strip() for scope in told.split(","))))
        return reply

    def unreadable(self, what: str, reply: Reply) -> IncompleteSource:
        if reply.status in (401, 403, 404):
            return Unauthorized(
                f"{what} cannot be read with {self.who}: {summary(reply)}.", what_to_do=advice(reply.asked.path)
            )
        return IncompleteSource(f"{what} cannot be read: {summary(reply)}.", what_to_do=STRANGE)


def advice(path: str) -> str:
    """What is needed to read packages at this path of the API."""
    if is_of_somebody_else(path):
        return (
            "Packages of a personal account are given to a classic token of that very account, with the scope "
            "read:packages; to all others, a workflow's GITHUB_TOKEN too, only where they are public."
        )
    return (
        "A classic token needs the scope read:packages and its owner the right to read the package; a workflow's token "
        "needs packages: read and a package that gives its repository access; fine-grained tokens and Apps are given "
        "no packages."
    )


def is_of_somebody_else(path: str) -> bool:
    """A personal account that is not the token's: `/users/…` is "for a public package", and without parameters of a
    page in github/rest-api-description (1651 there), though they work."""
    return "/users/" in path


def decoded(reply: Reply, type_: Any, what: str) -> Any:
    """Raises IncompleteSource for JSON of another shape: GitHub also sends an error's object where a list belongs
    (snok/container-retention-policy#93), and a proxy a page of its own."""
    try:
        return decoded_page(reply.body, type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IncompleteSource(
            f"{what} cannot be read: the answer is of an unknown kind ({error}).", what_to_do=STRANGE
        ) from error


def _account(reply: Reply, what: str) -> _Account:
    if reply.status != 200:
        raise IncompleteSource(f"{what} is not known: GitHub answered {summary(reply)}.", what_to_do=STRANGE)
    account: _Account = decoded(reply, _Account, what)
    return account
