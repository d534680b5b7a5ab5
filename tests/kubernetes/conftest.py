import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holystone.adapters.kubernetes.kubeconfig import KubeConfig, parse_config
from holystone.adapters.kubernetes.reader import LIMITS, ImagesInUse, read_clusters
from holystone.adapters.kubernetes.targets import choose_targets
from holystone.engine.scheduler import Scheduler
from tests.emulators.kubernetes import KubeApi
from tests.support.certificates import Authority
from tests.support.command_line import hasty

ENVIRON = {"PATH": "/usr/bin:/bin"}


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with hasty():
        yield


@pytest.fixture
async def api() -> AsyncIterator[KubeApi]:
    async with KubeApi() as made:
        yield made


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


def kubeconfig(
    server: str, user: Mapping[str, Any], context: Mapping[str, Any] | None = None, **cluster: Any
) -> dict[str, Any]:
    """One context, `prod`. Underlines in the cluster's fields are dashes."""
    fields = {name.replace("_", "-"): value for name, value in cluster.items()}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "preferences": {},
        "clusters": [{"name": "c", "cluster": {"server": server, **fields}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u", **(context or {})}}],
    }


def parsed(config: Mapping[str, Any], folder: Path = Path("/nowhere")) -> KubeConfig:
    return parse_config(json.dumps(config).encode(), "config", folder)


async def read(config: KubeConfig, *, own_namespace: bool = False, excluded: Iterable[str] = ()) -> ImagesInUse:
    targets = choose_targets(config, excluded=tuple(excluded), own_namespace=own_namespace)
    quick = msgspec.structs.replace(LIMITS, first_patience=0.2)
    return await read_clusters(targets, ENVIRON, scheduler=Scheduler(limits=quick))


async def ask(
    api: KubeApi, user: Mapping[str, Any] | None = None, folder: Path = Path("/nowhere"), **more: Any
) -> ImagesInUse:
    """As the one context of a kubeconfig, by default with a good token."""
    return await read(parsed(kubeconfig(api.url, {"token": "good-token"} if user is None else user, **more), folder))


def names(found: ImagesInUse) -> set[str]:
    """In words again."""
    return {
        f"{each.repository or ''}{f':{each.tag}' if each.tag else ''}{f'@{each.digest}' if each.digest else ''}"
        for each in found.images
    }
