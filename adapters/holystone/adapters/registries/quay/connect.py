"""Which credential goes through which door, and how fast."""

from typing import Final

from holystone.adapters.credentials.credential import Anonymous, RegistryToken, UserPassword
from holystone.adapters.http.tokens import described
from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.quay.api import QuayApi
from holystone.adapters.registries.quay.profile import API_QUOTA, HOSTED, MANIFESTS_QUOTA, TAGS_QUOTA
from holystone.adapters.registries.quay.registry import QuayRegistry
from holystone.adapters.registries.quay.replies import later

_API: Final = "/api/v1"
_OAUTH_USER: Final = "$oauthtoken"
"""The user name under which /v2/auth takes an OAuth token as password (quay/quay:auth/credential_consts.py)."""


async def connect(endpoint: Endpoint) -> QuayRegistry:
    """The API is used if there is a token for it. /v2 is entered with Docker's configuration if that has something,
    since a robot there may be allowed more than the token's user, and with the token otherwise."""
    token, docker = endpoint.login, endpoint.docker
    if isinstance(token, RegistryToken) and isinstance(docker, Anonymous):
        http = await endpoint.http(
            endpoint.host, entry := UserPassword(_OAUTH_USER, token.token, token.origin), classify=later
        )
        who = described(entry)
    else:
        http = await endpoint.http(endpoint.host, docker, refresh=endpoint.refresh_docker, classify=later)
        who = described(docker)
    hosted = endpoint.host == HOSTED
    manifests = endpoint.lane("manifests", MANIFESTS_QUOTA if hosted else None)
    tags = endpoint.lane("tags", TAGS_QUOTA if hosted else None)
    api = None
    if isinstance(token, RegistryToken):
        base = endpoint.own_api
        prefix = "" if endpoint.api_url and endpoint.api_url.path.endswith(_API) else _API
        lane = endpoint.lane("api", API_QUOTA if hosted else None)
        api = QuayApi(await endpoint.http(base, token, classify=later), lane, prefix=prefix, who=described(token))
    return QuayRegistry(endpoint.host, http, manifests, tags, api, who)
