"""Who answers a 401, by itself: what is asked of a token server, how often, and what is told to people."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.credentials.credential import Anonymous, Credential, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http import authorizer as module
from holystone.adapters.http.authorization import Authorization, basic, bearer
from holystone.adapters.http.authorizer import FRESH, Authorizer
from holystone.adapters.http.faults import NoAnswer
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.tokens import Key, Tokens
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.http.wire import Wire
from holystone.engine.errors import Unauthorized
from holystone.engine.model.references import RegistryHost

REGISTRY = URL("https://registry.example")
SCOPE = "repository:a:pull"
ROB = UserPassword("rob", Secret("the-password-of-rob"), "auths")
NEW = UserPassword("rob", Secret("a-newer-password"), "auths")
READY = RegistryToken(Secret("ready-made-token"), "auths")


class TokenServer(Tokens):
    """Gives a token for everything, unless `answer` does something else."""

    def __init__(self, answer: Callable[[Credential], Awaitable[None]] | None = None) -> None:
        super().__init__(Wire(connections=1), classify=lambda _: None)
        self.asked: list[Key] = []
        self._answer = answer

    async def get(self, key: Key, credential: Credential, **_: object) -> Authorization:
        self.asked.append(key)
        if self._answer:
            await self._answer(credential)
        return bearer(Secret(f"token-for {key.scope}"))


def authorizer(tokens: Tokens, credential: Credential = ROB, **more: Any) -> Authorizer:
    return Authorizer(REGISTRY, credential, tokens, **more)


def said(challenge: str = "") -> Reply:
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    return Reply(401, CIMultiDictProxy(CIMultiDict(headers)), b"", REGISTRY, REGISTRY)


def wants(scope: str = "", error: str = "") -> Reply:
    return said(f'Bearer realm="https://registry.example/token",scope="{scope}",error="{error}"')


def gives(*credentials: Credential) -> tuple[list[Credential], Callable[[Credential], Awaitable[Credential]]]:
    """With the ones that were refused."""
    left, refused = [*credentials], list[Credential]()

    async def refresh(old: Credential) -> Credential:
        refused.append(old)
        return left.pop(0)

    return refused, refresh


async def test_a_token_that_says_when_it_ends_is_renewed_before_it_is_sent() -> None:
    old = RegistryToken(Secret("a-token-of-yesterday"), "x", renew_at=100.0)
    refused, refresh = gives(READY)
    held = authorizer(TokenServer(), old, refresh=refresh, clock=lambda: 100.0)
    assert await held.before(SCOPE) == bearer(READY.token)
    assert refused == [old]


@pytest.mark.parametrize("challenge", [wants(), said("Basic"), said()])
async def test_in_clear_text_a_ready_token_waits_until_it_is_asked_for(challenge: Reply) -> None:
    held = authorizer(TokenServer(), READY, unasked=False)
    assert await held.before(SCOPE) is None
    assert await held.again(SCOPE, None, challenge) == bearer(READY.token)
    asked_for = bearer(READY.token) if "WWW-Authenticate" in challenge.headers else None
    assert await held.before(SCOPE) == asked_for


async def test_over_https_a_ready_token_goes_at_once_and_in_clear_text_to_nobody_far_away() -> None:
    for base, sent in (("https://far.example", bearer(READY.token)), ("http://far.example", None)):
        http = RegistryHttp(RegistryHost("far.example"), READY, base=URL(base))
        assert await http._authorizer.before(SCOPE) == sent
        assert (str(http.host), str(http.base)) == ("far.example", base)


async def test_before_it_is_asked_a_ready_token_is_sent_and_a_password_is_not() -> None:
    assert await authorizer(TokenServer(), READY).before(SCOPE) == bearer(READY.token)
    assert await authorizer(TokenServer(), ROB).before(SCOPE) is None


async def test_what_needs_no_scope_needs_no_token() -> None:
    tokens = TokenServer()
    held = authorizer(tokens)
    await held.again(SCOPE, None, wants(SCOPE))
    assert await held.before("") is None
    assert len(tokens.asked) == 1


async def test_a_401_that_says_nothing_is_answered_as_the_one_before() -> None:
    tokens = TokenServer()
    held = authorizer(tokens)
    used = await held.again(SCOPE, None, wants(SCOPE))
    assert await held.again(SCOPE, used, said()) == used
    assert tokens.asked[0] == tokens.asked[1]


@pytest.mark.parametrize(("more", "asked"), [(0, True), (1, False)])
async def test_a_scope_may_become_so_long_and_no_longer(more: int, asked: bool) -> None:
    tokens = TokenServer()
    wanted = "repository:a:".ljust(module._LONGEST - len(SCOPE) + more, "x")
    answer = authorizer(tokens).again(SCOPE, None, wants(wanted))
    if asked:
        await answer
        assert [key.scope for key in tokens.asked] == [f"{SCOPE} {wanted}"]
    else:
        with pytest.raises(Unauthorized):
            await answer
        assert tokens.asked == []


async def test_who_has_no_password_asks_for_none() -> None:
    refused, refresh = gives()
    with pytest.raises(Unauthorized, match="anonymous access"):
        await authorizer(TokenServer(), Anonymous(), refresh=refresh).again(SCOPE, None, said("Basic"))
    assert refused == []


async def test_what_a_ready_token_grants_is_asked_nobody() -> None:
    tokens = TokenServer()
    held = authorizer(tokens, READY)
    await held.again(SCOPE, None, wants(SCOPE))
    assert await held.granted(SCOPE) == {}
    assert tokens.asked == []


@pytest.mark.parametrize(
    ("scope", "challenge", "for_what"),
    [
        (SCOPE, wants("repository:a:delete"), " for repository:a:delete: "),
        (SCOPE, wants(), f" for {SCOPE}: "),
        (SCOPE, said("Basic"), f" for {SCOPE}: "),
        ("", wants(), ": "),
    ],
)
def test_who_is_refused_what_is_said(scope: str, challenge: Reply, for_what: str) -> None:
    refusal = authorizer(TokenServer()).refusal(scope, challenge)
    assert refusal.message.startswith(f"registry.example refuses user 'rob' (auths){for_what}401 ")
    assert refusal.what_to_do == "Check its password and its rights, or use another credential."


async def test_a_token_server_that_refuses_is_asked_once() -> None:
    async def refuse(_: Credential) -> None:
        raise Unauthorized("no such login")

    tokens = TokenServer(refuse)
    with pytest.raises(Unauthorized, match="no such login"):
        await authorizer(tokens).again(SCOPE, None, wants(SCOPE))
    assert len(tokens.asked) == 1


async def test_a_token_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOKEN_TIMEOUT", 0.01)

    async def hang(_: Credential) -> None:
        await anyio.sleep_forever()

    with pytest.raises(NoAnswer, match=r"registry\.example did not answer within 0\.01 s"):
        await authorizer(TokenServer(hang)).again(SCOPE, None, wants(SCOPE))


async def test_two_that_are_refused_at_once_ask_for_one_password() -> None:
    both = anyio.Event()

    async def refuse(credential: Credential) -> None:
        if credential == ROB:
            if len(tokens.asked) == 2:
                both.set()
            await both.wait()
            raise Unauthorized("too old")

    tokens = TokenServer(refuse)
    refused, refresh = gives(NEW)
    held = authorizer(tokens, refresh=refresh)
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(held.again, SCOPE, None, wants(SCOPE))
    assert refused == [ROB]


async def test_who_was_refused_a_password_that_has_been_renewed_meanwhile_gets_the_new_one() -> None:
    refused, refresh = gives(NEW)
    held = authorizer(TokenServer(), refresh=refresh)
    old = basic(ROB.username, ROB.password)
    for _ in range(2):
        assert await held.again(SCOPE, old, said("Basic")) == basic(NEW.username, NEW.password)
    assert refused == [ROB]


@pytest.mark.parametrize(("age", "asked"), [(FRESH - 1, False), (FRESH, True)])
async def test_a_token_that_was_too_narrow_is_asked_for_again_if_it_was_old(age: float, asked: bool) -> None:
    tokens = TokenServer()
    used = bearer(Secret("a-narrow-token"), 1000.0)
    answer = authorizer(tokens, clock=lambda: 1000.0 + age).again(SCOPE, used, wants(SCOPE, "insufficient_scope"))
    if asked:
        await answer
    else:
        with pytest.raises(Unauthorized):
            await answer
    assert len(tokens.asked) == asked
