"""What a job of a CI system says about a cleanup: its environment → variables of werf's and the job's own login.

`werf ci-env` of werf 1.1.36, as far as a cleanup looks at it: what builds and deployments need is not there.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import msgspec

from holystone.adapters.credentials.secret import Secret

CiSystem: TypeAlias = Literal["gitlab", "github"]
GHCR: Final = "ghcr.io"
"""GitHub shut docker.pkg.github.com, which werf 1.1 names, on 2025-02-24."""

_FOR_ALL: Final = MappingProxyType(
    {
        "WERF_GIT_TAG_STRATEGY_LIMIT": "10",
        "WERF_GIT_TAG_STRATEGY_EXPIRY_DAYS": "30",
        "WERF_GIT_COMMIT_STRATEGY_LIMIT": "50",
        "WERF_GIT_COMMIT_STRATEGY_EXPIRY_DAYS": "30",
        "WERF_STAGES_SIGNATURE_STRATEGY_LIMIT": "-1",
        "WERF_STAGES_SIGNATURE_STRATEGY_EXPIRY_DAYS": "-1",
        "WERF_GIT_HISTORY_SYNCHRONIZATION": "1",
        "WERF_LOG_COLOR_MODE": "on",
    }
)


class Login(msgspec.Struct, frozen=True):
    host: str
    user: str
    password: Secret


class CiJob(msgspec.Struct, frozen=True):
    variables: Mapping[str, str]
    """Those that are not set already: whoever set one meant it."""
    login: Login | None
    """None where the job has none for its registry."""
    secrets: Mapping[str, str] = MappingProxyType({})
    """Further variables, each with the one of the job's that has its value: so nothing need repeat it."""


def job_of(system: CiSystem, environ: Mapping[str, str]) -> CiJob:
    own, login = (_gitlab if system == "gitlab" else _github)(environ)
    secrets = {"WERF_REPO_GITHUB_TOKEN": "GITHUB_TOKEN"} if system == "github" else {}
    return CiJob(
        variables={name: value for name, value in {**dict(own), **_FOR_ALL}.items() if not environ.get(name)},
        login=login,
        secrets={name: source for name, source in secrets.items() if environ.get(source) and not environ.get(name)},
    )


def _gitlab(environ: Mapping[str, str]) -> tuple[Iterable[tuple[str, str]], Login | None]:
    image, registry, token = (environ.get(f"CI_{name}", "") for name in ("REGISTRY_IMAGE", "REGISTRY", "JOB_TOKEN"))
    if not image:
        return (), None

    def variables() -> Iterator[tuple[str, str]]:
        for name, prefix, address in (
            ("WERF_STAGES_STORAGE", "WERF_STAGES_STORAGE_REPO", f"{image}/stages"),
            ("WERF_IMAGES_REPO", "WERF_IMAGES_REPO", image),
        ):
            yield name, address
            said = environ.get(name)
            if not said or (registry and said.startswith(f"{registry}/")):
                yield f"{prefix}_IMPLEMENTATION", "gitlab"

    host = image.partition("/")[0]
    return variables(), Login(host, "gitlab-ci-token", Secret(token)) if token else None


def _github(environ: Mapping[str, str]) -> tuple[Iterable[tuple[str, str]], Login | None]:
    token, actor = environ.get("GITHUB_TOKEN", ""), environ.get("GITHUB_ACTOR", "")
    project = environ.get("GITHUB_REPOSITORY", "").lower()
    found = (
        {"WERF_STAGES_STORAGE": f"{GHCR}/{project}/stages", "WERF_IMAGES_REPO": f"{GHCR}/{project}"} if project else {}
    )
    return found.items(), Login(GHCR, actor, Secret(token)) if token and actor else None
