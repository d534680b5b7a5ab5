"""What a registry shows of itself to whoever asks without a credential, and whose registry that makes it."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from yarl import URL

from holystone.adapters.http.challenge import BearerChallenge, choose, parse
from holystone.adapters.http.reply import Reply, to_url


class Signs(msgspec.Struct, frozen=True):
    """Of an answer to GET /v2/. All empty if there was none that can be used."""

    headers: frozenset[str] = frozenset()
    """Their names, in lower case."""
    allows: frozenset[str] = frozenset()
    """Headers that it lets pages of other sites send, in lower case."""
    realm: URL = URL()
    service: str = ""
    body: bytes = b""


def read_signs(reply: Reply) -> Signs:
    names = frozenset(name.lower() for name in reply.headers)
    listed = ",".join(reply.headers.getall("Access-Control-Allow-Headers", ()))
    allows = frozenset(each.strip().lower() for each in listed.split(","))
    challenge = choose(parse(reply.headers.getall("WWW-Authenticate", ())))
    if not isinstance(challenge, BearerChallenge):
        return Signs(names, allows, body=reply.body)
    try:
        realm = to_url(challenge.realm)
        _ = realm.authority  # port and all, of which some is parsed only where it is looked at
    except ValueError:
        realm = URL()
    return Signs(names, allows, realm, challenge.service, reply.body)


def recognize(signs: Signs) -> str | None:
    """The one implementation whose signs these are; None for nobody's, and for more than one's: a wrong guess costs
    more than none, since every registry can be cleaned as `default`."""
    return _only(signs, _SIGNS)


def server(signs: Signs) -> str | None:
    """The same for every server whose ways are known, those that are cleaned as `default` included."""
    return _only(signs, {**_SIGNS, **_CLEANED_AS_DEFAULT})


def _only(signs: Signs, known: Mapping[str, Callable[[Signs], bool]]) -> str | None:
    found = [name for name, is_its in known.items() if is_its(signs)]
    return found[0] if len(found) == 1 else None


def _gitlab(signs: Signs) -> bool:
    """The header is of the registry's own replies (gitlab-org/container-registry, registry/handlers/app.go; whether it
    is on a 401 too is unconfirmed), the challenge of every registry behind GitLab's token service. `service` alone is
    not enough: Gitea and Forgejo say container_registry too, with /v2/token (go-gitea/gitea,
    tests/integration/api_packages_container_test.go)."""
    challenges = signs.service == "container_registry" and signs.realm.path.endswith("/jwt/auth")
    return challenges or "gitlab-container-registry-version" in signs.headers


def _harbor(signs: Signs) -> bool:
    """goharbor/harbor, src/server/middleware/v2auth/auth.go: getChallenge; nobody is let in without a login."""
    return signs.service == "harbor-registry" and signs.realm.path.endswith("/service/token")


def _quay(signs: Signs) -> bool:
    """quay/quay, auth/registry_jwt_auth.py: get_auth_headers, and endpoints/v2/__init__.py: v2_support_enabled, whose
    body is a bare `true`. Small proxies copy the path of the realm, so all of it has to be there."""
    realm = signs.realm
    is_own = bool(realm.host) and signs.service in (realm.authority, realm.host)
    return is_own and realm.path == "/v2/auth" and re.fullmatch(rb"\s*true\s*", signs.body) is not None


def _gitea(signs: Signs) -> bool:
    """Gitea and Forgejo: routers/api/packages/container/container.go, `apiUnauthorizedError`; seen on Gitea 1.27."""
    return signs.service == "container_registry" and signs.realm.path.endswith("/v2/token")


def _zot(signs: Signs) -> bool:
    """Its user interface's own header (project-zot/zot, pkg/api/constants/consts.go; seen on 2.1.20)."""
    return "x-zot-api-client" in signs.allows


_SIGNS: Final[Mapping[str, Callable[[Signs], bool]]] = MappingProxyType(
    {"gitlab": _gitlab, "harbor": _harbor, "quay": _quay}
)
_CLEANED_AS_DEFAULT: Final[Mapping[str, Callable[[Signs], bool]]] = MappingProxyType({"gitea": _gitea, "zot": _zot})
