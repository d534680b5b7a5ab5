"""Where GitHub's API is for a registry's host, and what its packages are called there.

| registry                | what                                     | API                     |
|-------------------------|------------------------------------------|-------------------------|
| ghcr.io                 | GitHub                                   | https://api.github.com  |
| docker.pkg.github.com   | shut on 2025-02-24, moved to ghcr.io     | none                    |
| containers.SUB.ghe.com  | GitHub with data residency               | https://api.SUB.ghe.com |
| containers.HOST         | GitHub Enterprise Server                 | https://HOST/api/v3     |
| docker.HOST             | its old Docker registry                  | the same, by GraphQL    |

Sources: github/docs, working-with-the-container-registry.md and working-with-the-docker-registry.md (`containers.` and
`docker.` before the host, with subdomain isolation); github.blog/changelog of 2025-01-23, "Legacy Docker Registry
closing down". The registry's name on ghe.com is not documented.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from yarl import URL

from holystone.adapters.http.reply import to_url
from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost, Repository

_API: Final = "https://api.github.com"
_SHUT: Final = "docker.pkg.github.com"
_GITHUB: Final = "ghcr.io"
_RESIDENT: Final = ".ghe.com"


def api_url(host: RegistryHost, given: URL | None, environ: Mapping[str, str]) -> URL:
    """Where GitHub's API is, without a slash at the end. `given` wins; GITHUB_API_URL, which a workflow has, only says
    where a host is that no rule knows: a workflow on github.com may clean a registry of another GitHub. Raises
    UsageError, also for the host that GitHub has shut."""
    if host == _SHUT:
        raise UsageError(
            f"{host} is shut: GitHub switched it off on 2025-02-24 and moved its images to {_GITHUB}.",
            what_to_do=f"Name them as {_GITHUB}/OWNER/PACKAGE, by the names that the owner's page Packages shows.",
        )
    if given is not None:
        return given
    if host == _GITHUB:
        return URL(_API)
    kind, _, rest = host.partition(".")
    if kind == "containers" and rest.endswith(_RESIDENT):
        return URL(f"https://api.{rest}")
    if kind in ("containers", "docker") and "." in rest:
        return URL(f"https://{rest}/api/v3")
    if named := environ.get("GITHUB_API_URL"):
        return _parsed(named)
    raise UsageError(
        f"It is not known where the API of GitHub is that {host} belongs to.",
        what_to_do="Name it in --repo-api-url, e.g. https://github.example.com/api/v3.",
    )


def is_hosted(api: URL) -> bool:
    """GitHub's own servers, which limit; on an Enterprise Server limits are off unless its operator sets them."""
    return api.host == URL(_API).host or (api.host or "").endswith(_RESIDENT)


def has_old_docker_registry(host: RegistryHost) -> bool:
    """A server's own one, not yet migrated."""
    return host.startswith("docker.")


def graphql_base(api: URL) -> URL:
    """What `/graphql` follows: the API's own address, but for the `/v3` of an Enterprise Server, which is REST's alone
    (github/docs, "Forming calls with GraphQL")."""
    return URL(str(api).removesuffix("/v3"))


def belongs_elsewhere(api: URL, environ: Mapping[str, str]) -> bool:
    """True if the GITHUB_TOKEN beside this GITHUB_API_URL is another GitHub's, which `api` must not see."""
    named = environ.get("GITHUB_API_URL")
    return bool(named) and _parsed(named or "").host != api.host


def owner_of(repository: Repository) -> str:
    return repository.path.partition("/")[0]


def package_path(repository: Repository) -> str:
    """The package, below its owner: percent-encoded once, with its slashes. Raises UsageError."""
    owner, _, name = repository.path.partition("/")
    if not name:
        raise UsageError(
            f"{repository} names an owner and no package.",
            what_to_do=f"Add the package: {repository.host}/{owner}/PACKAGE.",
        )
    return f"/packages/container/{quote(name, safe='')}"


def docker_package_of(repository: Repository) -> tuple[str, str, str]:
    """Owner, git repository and package. Raises UsageError."""
    parts = repository.path.split("/")
    if len(parts) != 3:
        raise UsageError(
            f"{repository} is no package of a GitHub Docker registry.",
            what_to_do=f"Write {repository.host}/OWNER/REPOSITORY/PACKAGE.",
        )
    return parts[0], parts[1], parts[2]


def _parsed(text: str) -> URL:
    try:
        url = to_url(text.rstrip("/"))
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host or url.user:
        raise UsageError("$GITHUB_API_URL is not the address of an API.", what_to_do="Write https://HOST/api/v3.")
    return url
