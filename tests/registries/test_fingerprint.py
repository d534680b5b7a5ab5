"""Whose registry an answer shows, by what is known of the vendors and of those who look like them."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.detection import detect, recognize
from holystone.adapters.registries.fingerprint import read_fingerprint
from holystone.engine.names import parse_address

HERE = "https://registry.example.com/v2/"
GITLAB_HEADER = {"Gitlab-Container-Registry-Version": "4.12.0-gitlab"}
GITLAB = 'Bearer realm="https://git.example.com/jwt/auth",service="container_registry"'
HARBOR = 'Bearer realm="https://registry.example.com/service/token",service="harbor-registry"'
QUAY = 'Bearer realm="https://registry.example.com/v2/auth",service="registry.example.com"'


def answer(challenge: str = "", body: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})) -> Reply:
    given = CIMultiDict(headers)
    if challenge:
        given["WWW-Authenticate"] = challenge
    return Reply(401 if challenge else 200, CIMultiDictProxy(given), body, URL(HERE), URL(HERE))


@pytest.mark.parametrize(
    ("reply", "whose"),
    [
        (answer(GITLAB), "gitlab"),
        (answer(GITLAB.replace("com/jwt", "com/gitlab/jwt")), "gitlab"),  # under a path of its own
        (answer(headers=GITLAB_HEADER), "gitlab"),
        (answer(headers={"gitlab-container-registry-version": "3.0"}), "gitlab"),
        (answer(GITLAB, headers=GITLAB_HEADER), "gitlab"),
        (answer(HARBOR), "harbor"),
        (answer(QUAY, b"true"), "quay"),
        (answer(QUAY.replace("registry.example.com", "quay.local:8443"), b"true\n"), "quay"),
        # Those that look like them.
        (answer('Bearer realm="https://codeberg.org/v2/token",service="container_registry",scope="*"'), "default"),
        (answer('Bearer realm="https://x.example.com/v2/auth",service="cloudflare-docker-proxy"', b"true"), "default"),
        (answer(QUAY), "default"),  # a token service of somebody's own under the same path
        (answer(QUAY.replace('service="registry', 'service="other'), b"true"), "default"),
        (answer('Bearer realm="https://r.example.com/service/token",service="container_registry"'), "default"),
        (answer('Bearer realm="https://r.example.com/token",service="harbor-registry"'), "default"),
        (answer('Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'), "default"),
        (answer('Basic realm="harbor"'), "default"),
        (answer(body=b"true"), "default"),
        (answer(), "default"),
        # Two at once, and what is no challenge.
        (answer(HARBOR, headers=GITLAB_HEADER), "default"),
        (answer('Bearer realm="http://[::1/jwt/auth",service="container_registry"'), "default"),
        (answer('Bearer realm="/v2/auth",service=""', b"true"), "default"),
        (answer("Bearer"), "default"),
        (answer("\N{SNOWMAN}" * 50), "default"),
    ],
)
def test_fingerprints(reply: Reply, whose: str) -> None:
    assert detect(parse_address("registry.example.com"), None, read_fingerprint(reply)) == (whose, "registry")


@given(st.text(max_size=60), st.text(max_size=20), st.binary(max_size=8))
@example("http://h:port/v2/auth", "h", b"true")
@example("http://h:99999/v2/auth", "h", b"true")
@example("http://[::1/v2/auth", "", b"true")
def test_nonsense_is_nobodys(realm: str, service: str, body: bytes) -> None:
    challenge = f'Bearer realm="{realm}",service="{service}"'
    assert recognize(read_fingerprint(answer(challenge, body))) is None


@pytest.mark.parametrize(("override", "whose"), [("default", ("default", "user")), ("auto", ("quay", "name"))])
def test_what_the_user_and_the_name_say_comes_first(override: str, whose: tuple[str, str]) -> None:
    assert detect(parse_address("quay.io/team"), override, read_fingerprint(answer(HARBOR))) == whose
