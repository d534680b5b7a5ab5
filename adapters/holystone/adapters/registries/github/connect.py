"""Which token opens the API, and which credential the registry."""

from collections.abc import Mapping
from typing import Final

from yarl import URL

from holystone.adapters.credentials.credential import Anonymous, Credential, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorizer import Refresh
from holystone.adapters.http.reply import address
from holystone.adapters.http.tokens import described
from holystone.adapters.registries.github.addresses import (
    api_url,
    belongs_elsewhere,
    graphql_base,
    has_old_docker_registry,
    is_hosted,
)
from holystone.adapters.registries.github.api import GithubApi
from holystone.adapters.registries.github.docker import GithubDockerRegistry
from holystone.adapters.registries.github.registry import GithubRegistry
from holystone.adapters.registries.github.sheet import READ_QUOTA, WRITE_QUOTA
from holystone.adapters.registries.github.throttling import api_later, registry_later
from holystone.adapters.registries.site import Site
from holystone.engine.errors import UsageError

_ANY_USER: Final = "holystone"
"""The token service looks at the password alone (github/docs, working-with-the-container-registry.md)."""


async def connect(site: Site) -> GithubRegistry | GithubDockerRegistry:
    """The API is asked with GitHub's token, the registry with Docker's own credential for the host if it has one."""
    base = api_url(site.host, site.api_url, site.environ if site.vouched else {})
    if not site.vouched and site.api_url is None:
        raise UsageError(
            f"Nobody but a plan or the journal says that {site.host} is GitHub's, so what is known of it is not shown "
            f"to the API that would be at {address(base)} then.",
            what_to_do="If it is, name it in --images-repo or --stages-storage, whichever it is, and add "
            "--repo-implementation github.",
        )
    token = _token(site, base)
    by_graphql = has_old_docker_registry(site.host)
    hosted = is_hosted(base)
    api = GithubApi(
        await site.http(
            graphql_base(base) if by_graphql else base, token, judge=api_later, refresh=_refresh(site, token)
        ),
        site.lane("api", READ_QUOTA if hosted else None),
        site.lane("api-write", WRITE_QUOTA if hosted else None),
        who=described(token),
    )
    separate = not isinstance(site.docker, Anonymous)
    http = await site.http(
        site.host,
        site.docker if separate else UserPassword(_ANY_USER, token.token, token.origin),
        judge=registry_later,
        refresh=site.refresh_docker if separate else None,
    )
    lanes = site.lane("read"), site.lane("write")
    if by_graphql:
        return GithubDockerRegistry(site.host, http, *lanes, api)
    return GithubRegistry(site.host, http, *lanes, api, pushes_as_somebody_else=separate, limited=hosted)


def _token(site: Site, api: URL) -> RegistryToken:
    if isinstance(site.login, RegistryToken):
        return site.login
    if site.vouched and (found := _of_environment(site.environ, api)):
        return found
    if isinstance(site.docker, UserPassword):
        return RegistryToken(site.docker.password, site.docker.origin)
    raise UsageError(
        f"Cleaning {site.host} needs a GitHub token, and none was found: no --repo-github-token, no $GITHUB_TOKEN, and "
        f"for Docker {site.docker.origin}.",
        what_to_do="Give a classic personal access token with the scopes read:packages, write:packages and "
        "delete:packages; fine-grained tokens do not work for packages.",
    )


def _of_environment(environ: Mapping[str, str], api: URL) -> RegistryToken | None:
    value = environ.get("GITHUB_TOKEN")
    if not value or belongs_elsewhere(api, environ):
        return None
    return RegistryToken(Secret(value), "$GITHUB_TOKEN")


def _refresh(site: Site, token: RegistryToken) -> Refresh | None:
    """A credential helper may hand out a newer token when the old one has ended."""
    held = site.docker
    if not isinstance(held, UserPassword) or token.token != held.password:
        return None

    async def refresh(refused: Credential) -> Credential:
        nonlocal held
        newer = await site.refresh_docker(held)
        if not isinstance(newer, UserPassword) or newer == held:
            return refused
        held = newer
        return RegistryToken(newer.password, newer.origin)

    return refresh
