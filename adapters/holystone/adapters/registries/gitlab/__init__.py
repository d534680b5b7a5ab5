"""The implementation `gitlab`: the registry of GitLab.com and of self-managed GitLab, through the registry's own doors
`/v2` and `/gitlab/v1`. GitLab's API v4 is not used: it costs a request per tag and says less."""

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
    return GitlabRegistry(site.host, http, site.lane("read"), site.lane("write"), credential)
