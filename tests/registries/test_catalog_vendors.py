"""What the lists of repositories of all vendors show, take and refuse."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.engine.errors import IncompleteSource, Unauthorized, UsageError
from holystone.engine.model.references import RepositoryPath
from holystone.engine.ports import CatalogPage
from tests.emulators.acr import AcrEmulator
from tests.emulators.default import DefaultEmulator
from tests.emulators.dockerhub import DockerHubEmulator
from tests.emulators.ecr import EcrEmulator
from tests.emulators.gcr import GoogleEmulator
from tests.emulators.github import GithubEmulator
from tests.emulators.gitlab import GitlabEmulator
from tests.emulators.harbor import HarborEmulator
from tests.emulators.quay import QuayEmulator
from tests.emulators.vendor import VendorEmulator
from tests.support.catalogs import listed, push, registry_of
from tests.support.command_line import hasty

MADE: dict[str, tuple[Callable[[], VendorEmulator], str]] = {
    "default": (DefaultEmulator, r"/_catalog"),
    "ecr": (EcrEmulator, r"^/$"),
    "acr": (AcrEmulator, r"/_catalog"),
    "gcr": (GoogleEmulator, r"/packages\?"),
    "dockerhub": (DockerHubEmulator, r"/repositories\?"),
    "github": (GithubEmulator, r"/packages\?"),
    "gitlab": (GitlabEmulator, r"/registry/repositories\?"),
    "harbor": (HarborEmulator, r"/repositories\?"),
    "quay": (QuayEmulator, r"/repository\?"),
    "quay-robot": (lambda: QuayEmulator(door="robot"), r"/_catalog"),
}
"""Each with the path of its list."""


NO_LIST = b'{"repositories":"a"}'


JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    with hasty():
        yield


def account_of(served: VendorEmulator) -> str:
    return served.path.rpartition("/")[0]


# What no reply of anybody's may be taken for


@pytest.mark.parametrize("vendor", MADE)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null ",
        b"[1]",
        b'"repositories"',
        b'{"repositories":',
        b'{"repositories":"a"}',
        b"\xff",
        b"[" * 9999,
    ],
    ids=lambda body: repr(body[:16]),
)
async def test_a_reply_that_is_no_list_is_no_empty_one(tmp_path: Path, vendor: str, body: bytes) -> None:
    make, path = MADE[vendor]
    async with make() as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            served.faults.add(
                Fault("GET|POST", path, Answer(200, body, {"Content-Type": "application/json"}), times=None)
            )
            if vendor == "harbor" and body == b"null ":  # Go's empty list
                assert await listed(registry, account_of(served)) == []
                return
            if vendor == "gcr" and body in (b"{}", NO_LIST):  # what Google's protocol leaves out is empty
                assert await listed(registry, account_of(served)) == []
                return
            with pytest.raises(IncompleteSource):
                await listed(registry, account_of(served))


@pytest.mark.parametrize("vendor", MADE)
@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, 500, 503])
async def test_a_refusal_is_no_empty_list(tmp_path: Path, vendor: str, status: int) -> None:
    make, path = MADE[vendor]
    async with make() as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            served.faults.add(Fault("GET|POST", path, Answer(status, b"{}"), times=None))
            with pytest.raises(IncompleteSource) as raised:
                await listed(registry, account_of(served))
            assert isinstance(raised.value, Unauthorized) == (status in (401, 403)) or status == 404 or vendor == "ecr"


@pytest.mark.parametrize("vendor", MADE)
async def test_a_list_that_is_cut_short_is_none(tmp_path: Path, vendor: str) -> None:
    make, path = MADE[vendor]
    async with make() as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            served.faults.add(Fault("GET|POST", path, Truncate(20), times=None))
            with pytest.raises(IncompleteSource):
                await listed(registry, account_of(served))


@pytest.mark.parametrize("vendor", ["dockerhub", "gcr", "github"])
async def test_a_vendor_that_lists_by_account_says_so(tmp_path: Path, vendor: str) -> None:
    make, _ = MADE[vendor]
    async with make() as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            before = len(served.requests)
            with pytest.raises(UsageError, match="lists its repositories only by"):
                await listed(registry)
            assert len(served.requests) == before


@pytest.mark.parametrize("vendor", ["default", "ecr", "acr", "harbor", "quay", "quay-robot"])
async def test_without_a_prefix_all_accounts_are_listed(tmp_path: Path, vendor: str) -> None:
    make, _ = MADE[vendor]
    async with make() as served:
        push(served, served.path, "other/app", "third/app")
        if isinstance(served, QuayEmulator):
            served.of("third/app").public = True
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry)) == sorted([served.path, "other/app", "third/app"])


# Odd names


async def test_names_that_docker_does_not_allow_are_told(tmp_path: Path) -> None:
    body = b'{"repositories":[{"namespace":"team","name":"a..b"},{"namespace":"team","name":"ok"}]}'
    async with QuayEmulator() as served:
        push(served, served.path)
        served.faults.add(Fault("GET", r"/repository\?", Answer(200, body), times=None))
        async with registry_of(tmp_path, served) as registry:
            pages: list[CatalogPage] = [page async for page in registry.repositories(RepositoryPath("team"))]
    assert [(page.odd, [str(each.path) for each in page.repositories]) for page in pages] == [
        (("team/a..b",), ["team/ok"])
    ]
