"""What GitHub's REST API shows of users, packages and versions: every field that its description calls required."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from holystone.engine.model.references import Digest

_BORN = "2011-01-25T18:44:36Z"


def user(api: str, login: str, number: int, kind: str) -> dict[str, Any]:
    at = f"{api}/users/{login}"
    lists = ("followers", "following", "gists", "starred", "subscriptions", "repos", "events", "received_events")
    return {
        "login": login,
        "id": number,
        "node_id": f"MDQ6VXNlcj{number}",
        "avatar_url": f"{api}/avatars/{number}",
        "gravatar_id": "",
        "url": at,
        "html_url": f"{api}/{login}",
        **{f"{each}_url": f"{at}/{each}" for each in lists},
        "organizations_url": f"{at}/orgs",
        "type": kind,
        "site_admin": False,
        **dict.fromkeys(("name", "company", "location", "email", "hireable", "bio")),
        "blog": "",
        **dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0),
        "created_at": _BORN,
        "updated_at": _BORN,
    }


def package(api: str, path: str, versions: int, updated: float, *, public: bool) -> dict[str, Any]:
    """`path`: OWNER/NAME, where the name may have slashes."""
    owner, _, name = path.partition("/")
    return {
        "id": 7,
        "name": name,
        "package_type": "container",
        "url": f"{api}/orgs/{owner}/packages/container/{name}",
        "html_url": f"{api}/orgs/{owner}/packages/container/package/{name}",
        "version_count": versions,
        "visibility": "public" if public else "private",
        "created_at": _BORN,
        "updated_at": time(updated),
    }


def version(
    api: str, path: str, number: int, digest: Digest | str, pushed: float, updated: float, tags: Iterable[str]
) -> dict[str, Any]:
    owner, _, name = path.partition("/")
    return {
        "id": number,
        "name": digest,
        "url": f"{api}/orgs/{owner}/packages/container/{name}/versions/{number}",
        "package_html_url": f"{api}/orgs/{owner}/packages/container/package/{name}",
        "created_at": time(pushed),
        "updated_at": time(updated),
        "metadata": {"package_type": "container", "container": {"tags": list(tags)}},
    }


def time(moment: float) -> str:
    return dt.datetime.fromtimestamp(int(moment), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
