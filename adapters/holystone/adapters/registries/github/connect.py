"""Which token opens the API, and which credential the registry."""

from collections.abc import Mapping
from typing import Final

from yarl import URL

from holystone.adapters.credentials.credential import Anonymous, Credential, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorizer import Refresh
from holystone.adapters.http.reply import address
from holystone.adapters.http.tokens import described
from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.github.addresses import (
    api_url,
    belongs_elsewhere,
    graphql_base,
    has_old_docker_registry,
    is_hosted,
)
from holystone.adapters.registries.github.api import GithubApi
from holystone.adapters.registries.github.docker import GithubDockerRegistry
from holystone.adapters.registries.github.profile import READ_QUOTA, WRITE_QUOTA
from holystone.adapters.registries.github.registry import GithubRegistry
from holystone.adapters.registries.github.throttling import api_later, registry_later
from holystone.engine.errors import UsageError

_ANY_USER: Final = "holystone"
"""The token service looks at the password alone (github/docs, working-with-the-container-registry.md)."""


async def connect(endpoint: Endpoint) -> GithubRegistry | GithubDockerRegistry:
    """The API is asked with GitHub's token, the registry with Docker's own credential for the host if it has one."""
    base = api_url(endpoint.host, endpoint.api_url, endpoint.environ if endpoint.vouched else {})
    if not endpoint.vouched and endpoint.api_url is None:
        raise UsageError(
            f"Nobody but a plan or the journal says that {endpoint.host} is GitHub's, so what is known of it is not "
            f"shown to the API that would be at {address(base)} then.",
            what_to_do="If it is, name it in --images-repo or --stages-storage, whichever it is, and add "
            "--repo-implementation github.",
        )
    token = _token(endpoint, base)
    by_graphql = has_old_docker_registry(endpoint.host)
    hosted = is_hosted(base)
    api = GithubApi(
        await endpoint.http(
            graphql_base(base) if by_graphql else base, token, classify=api_later, refresh=_refresh(endpoint, token)
        ),
        endpoint.lane("api", READ_QUOTA if hosted else None),
        endpoint.lane("api-write", WRITE_QUOTA if hosted else None),
        who=described(token),
    )
    separate = not isinstance(endpoint.docker, Anonymous)
    http = await endpoint.http(
        endpoint.host,
        endpoint.docker if separate else UserPassword(_ANY_USER, token.token, token.origin),
        classify=registry_later,
        refresh=endpoint.refresh_docker if separate else None,
    )
    lanes = endpoint.lane("read"), endpoint.lane("write")
    if by_graphql:
        return GithubDockerRegistry(endpoint.host, http, *lanes, api)
    return GithubRegistry(endpoint.host, http, *lanes, api, pushes_as_somebody_else=separate, limited=hosted)


def _token(endpoint: Endpoint, api: URL) -> RegistryToken:
    if isinstance(endpoint.login, RegistryToken):
        return endpoint.login
    if endpoint.vouched and (found := _of_environment(endpoint.environ, api)):
        return found
    if isinstance(endpoint.docker, UserPassword):
        return RegistryToken(endpoint.docker.password, endpoint.docker.origin)
    raise UsageError(
        f"Cleaning {endpoint.host} needs a GitHub token, and none was found: no --repo-github-token, no $GITHUB_TOKEN, "
        f"and for Docker {endpoint.docker.origin}.",
        what_to_do="Give a classic personal access token with the scopes read:packages, write:packages and "
        "delete:packages; fine-grained tokens do not work for packages.",
    )


def _of_environment(environ: Mapping[str, str], api: URL) -> RegistryToken | None:
    value = environ.get("GITHUB_TOKEN")
    if not value or belongs_elsewhere(api, environ):
        return None
    return RegistryToken(Secret(value), "$GITHUB_TOKEN")


def _refresh(endpoint: Endpoint, token: RegistryToken) -> Refresh | None:
    """A credential helper may hand out a newer token when the old one has ended."""
    held = endpoint.docker
    if not isinstance(held, UserPassword) or token.token != held.password:
        return None

    async def refresh(refused: Credential) -> Credential:
        nonlocal held
        newer = await endpoint.refresh_docker(held)
        if not isinstance(newer, UserPassword) or newer == held:
            return refused
        held = newer
        return RegistryToken(newer.password, newer.origin)

    return refresh
