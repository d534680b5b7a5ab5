"""The implementation `gitlab`: the registry of GitLab.com and of self-managed GitLab, through the registry's own doors
`/v2` and `/gitlab/v1`. GitLab's API v4, which says less, is used for one thing: to delete with a Developer's token."""

from holystone.adapters.credentials.credential import RegistryToken
from holystone.adapters.registries.gitlab.api import HOSTED, QUOTA, GitlabApi, api_base
from holystone.adapters.registries.gitlab.login import choose
from holystone.adapters.registries.gitlab.registry import GitlabRegistry
from holystone.adapters.registries.gitlab.replies import judge
from holystone.adapters.registries.gitlab.sheet import SHEET
from holystone.adapters.registries.site import Site

__all__ = ["SHEET", "GitlabRegistry", "connect"]


async def connect(site: Site) -> GitlabRegistry:
    credential = choose(site)
    refresh = site.refresh_docker if credential is site.docker else None
    http = await site.http(site.host, credential, refresh=refresh, judge=judge)
    return GitlabRegistry(site.host, http, site.lane("read"), site.lane("write"), credential, await _api(site))


async def _api(site: Site) -> GitlabApi | None:
    """Only with a token that was given for it: a password of Docker's configuration is the registry's."""
    if not isinstance(site.login, RegistryToken):
        return None
    base = api_base(site.host, site.api_url, site.environ)
    if base is None:
        return None
    address, prefix = base
    quota = QUOTA if site.host in HOSTED else None
    http = await site.http(address, site.login, judge=judge)
    return GitlabApi(http, site.lane("api", quota), site.lane("api", quota), site.login, prefix=prefix)
