"""`WWW-Authenticate`."""

import contextlib

from yarl import URL

from holystone.adapters.http.authorizer import covers
from holystone.adapters.http.challenge import BearerChallenge, choose
from holystone.adapters.http.challenge import parse as challenges
from holystone.adapters.http.reply import to_url

SEEDS = (
    b'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:team/app:pull,push"',
    b'Basic realm="x, Bearer y", Bearer realm="https://a/t"',
    b"Negotiate YWJj=, Bearer realm=https://a/t,service=s",
    rb'Bearer realm = "https://a/t" , error="insufficient_scope",service="a \"b\""',
)


def parse(data: bytes) -> None:
    found = choose(challenges([data.decode("utf-8", "surrogateescape")]))
    if isinstance(found, BearerChallenge):
        covers(found.scope, "repository:team/app:pull")
        with contextlib.suppress(ValueError):
            to_url(found.realm)
        assert isinstance(URL("https://a").extend_query([("scope", found.scope)]), URL)
