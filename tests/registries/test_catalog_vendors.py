"""What each vendor's list of repositories shows, takes and refuses."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.gcr import catalog as gcr_catalog
from holystone.adapters.registries.gcr.places import around
from holystone.adapters.registries.github import catalog as github_catalog
from holystone.adapters.registries.gitlab import catalog as gitlab_catalog
from holystone.adapters.registries.granted import may_list_all
from holystone.adapters.registries.harbor import catalog as harbor_catalog
from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.engine.errors import IncompleteSource, Unauthorized, Unseen, UsageError
from holystone.engine.model.references import RegistryHost, RepositoryPath
from holystone.engine.ports import CatalogPage
from tests.emulators.acr import AcrEmulator
from tests.emulators.default import DefaultEmulator, OtherEmulator
from tests.emulators.dockerhub import Account as HubAccount
from tests.emulators.dockerhub import DockerHubEmulator
from tests.emulators.ecr import EcrEmulator
from tests.emulators.gcr import PROJECT, STRANGER, GoogleEmulator
from tests.emulators.github import WORKFLOW, GithubEmulator
from tests.emulators.gitlab import DEVELOPER, GitlabEmulator
from tests.emulators.harbor import Account, HarborEmulator
from tests.emulators.quay import QuayEmulator
from tests.emulators.vendor import Login, VendorEmulator
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


# Plain registries


async def test_a_user_who_may_not_list_the_registry_is_told_what_it_takes(tmp_path: Path) -> None:
    async with DefaultEmulator() as served:
        push(served, served.path)
        async with registry_of(tmp_path, served, served.weak_login()) as registry:
            with pytest.raises(Unauthorized) as raised:
                await listed(registry)
            assert "registry:catalog:*" in raised.value.what_to_do


async def test_an_empty_registry_is_believed_only_of_a_token_that_opens_all_of_it(tmp_path: Path) -> None:
    async with OtherEmulator() as served, registry_of(tmp_path, served) as registry:
        with pytest.raises(Unseen, match="shows this credential none"):
            await listed(registry)


@pytest.mark.parametrize(
    ("access", "opens"),
    [
        ([{"type": "registry", "name": "catalog", "actions": ["*"]}], True),
        ([{"Type": "registry", "Name": "catalog", "Actions": ["*"]}], True),
        ([{"type": "registry", "name": "catalog", "actions": []}], False),
        ([{"type": "repository", "name": "catalog", "actions": ["*"]}], False),
        ([], False),
        ("*", False),
        (None, False),
    ],
)
def test_which_token_opens_the_whole_catalog(access: object, opens: bool) -> None:
    assert may_list_all({"access": access}) is opens


async def test_a_registry_that_refuses_numbers_is_asked_without_one(tmp_path: Path) -> None:
    async with OtherEmulator() as served:
        push(served, served.path)
        served.faults.add(Fault("GET", r"/_catalog\?n=", Answer(400, b"{}"), times=None))
        async with registry_of(tmp_path, served) as registry:
            assert await listed(registry) == [served.path]


async def test_a_repository_whose_tags_are_all_gone_is_listed(tmp_path: Path) -> None:
    async with OtherEmulator() as served:
        push(served, served.path)
        served.storage.delete_tag(served.path, "v1")
        async with registry_of(tmp_path, served) as registry:
            assert await listed(registry) == [served.path]


# ECR


async def test_ecr_names_the_right_that_lists(tmp_path: Path) -> None:
    async with EcrEmulator(denied=frozenset({"DescribeRepositories"})) as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unauthorized, match="lacks ecr:DescribeRepositories"):
                await listed(registry)


async def test_ecr_is_asked_for_the_account_of_the_address_a_thousand_at_once(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        push(served, *(f"team/app{number}" for number in range(1001)))
        async with registry_of(tmp_path, served) as registry:
            assert len(await listed(registry, "team")) == 1001
            assert await listed(registry, "nobody") == []
        asked = [fields for operation, fields in served.calls if operation == "DescribeRepositories"]
        assert [fields["maxResults"] for fields in asked] == [1000] * 4
        assert {fields.get("registryId") for fields in asked} <= {served.account, None}


# ACR


async def test_acr_says_which_role_lists(tmp_path: Path) -> None:
    async with AcrEmulator() as served:
        push(served, served.path)
        path = r"/oauth2/token\?.*registry"
        served.faults.add(Fault("GET|POST", path, Answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}'), times=None))
        served.faults.add(Fault("GET", r"/_catalog", Answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}'), times=None))
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unauthorized) as raised:
                await listed(registry)
            assert "Container Registry Repository Catalog Lister" in str(raised.value)


async def test_acr_s_empty_registry_is_empty(tmp_path: Path) -> None:
    async with AcrEmulator() as served, registry_of(tmp_path, served) as registry:
        assert await listed(registry) == []


# Google


async def test_google_lists_nested_images_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcr_catalog, "PAGE_SIZE", 2)
    async with GoogleEmulator() as served:
        names = [f"{PROJECT}/{name}" for name in ("app", "app/front", "app/front/de-ep", "other")]
        push(served, *names)
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, PROJECT)) == names
            assert sorted(await listed(registry, f"{PROJECT}/app")) == names[:3]


@pytest.mark.parametrize(
    ("host", "prefix", "folder", "before"),
    [
        ("gcr.io", "proj", "projects/proj/locations/us/repositories/gcr.io", "proj/"),
        ("eu.gcr.io", "proj/team/app", "projects/proj/locations/europe/repositories/eu.gcr.io", "proj/"),
        ("gcr.io", "corp.com/proj", "projects/corp.com%3Aproj/locations/us/repositories/gcr.io", "corp.com/proj/"),
        ("gcr.io", "corp.com", None, None),
        ("europe-west1-docker.pkg.dev", "proj", "projects/proj/locations/europe-west1/repositories/", "proj/"),
        ("us-docker.pkg.dev", "proj/repo", "projects/proj/locations/us/repositories/repo", "proj/repo/"),
        ("us-docker.pkg.dev", "proj/repo/a/b", "projects/proj/locations/us/repositories/repo", "proj/repo/"),
        ("us-docker.pkg.dev", "corp.com/proj", "projects/corp.com%3Aproj/locations/us/repositories/", "corp.com/proj/"),
        ("docker.us-east1.rep.pkg.dev", "p/r", "projects/p/locations/us-east1/repositories/r", "p/r/"),
        ("registry.example.com", "proj/app", "projects/proj/locations/us/repositories/gcr.io", "proj/"),
        ("mirror.gcr.io", "proj", None, None),
    ],
)
def test_where_google_has_what_a_prefix_names(host: str, prefix: str, folder: str | None, before: str | None) -> None:
    found = around(RegistryHost(host), RepositoryPath(prefix))
    assert (found and (found[0].folder, found[1])) == (folder and (folder, before))


class Google:
    """The API of a project with several repositories."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def get(self, path: str) -> Reply:
        self.asked.append(path)
        bodies = {
            "/v1/projects/p/locations/us/repositories?": b'{"repositories":[{"name":"a/b/one","format":"DOCKER","mode":'
            b'"STANDARD_REPOSITORY"},{"name":"a/b/npm","format":"NPM"}],"nextPageToken":"x/y"}',
            "/v1/projects/p/locations/us/repositories?&pageToken=x%2Fy": b'{"repositories":[{"name":"a/b/all","format":'
            b'"DOCKER","mode":"VIRTUAL_REPOSITORY"},{"name":"a/b/two","format":"DOCKER","mode":"REMOTE_REPOSITORY"}]}',
            "/v1/projects/p/locations/us/repositories/one/packages?": b'{"packages":[{"name":"x/y/team%2Fapp"}]}',
            "/v1/projects/p/locations/us/repositories/two/packages?": b"{}",
        }
        url = URL(f"https://artifactregistry.googleapis.com{path}", encoded=True)
        return Reply(200, CIMultiDictProxy(CIMultiDict()), bodies[path.replace("pageSize=1000", "")], url, url)


async def test_of_a_project_every_docker_repository_is_listed_but_virtual_ones() -> None:
    google, catalog = Google(), Catalog(RegistryHost("us-docker.pkg.dev"), RepositoryPath("p"))
    pages = [page async for page in gcr_catalog.read_catalog(google, "me", catalog)]  # type: ignore[arg-type]
    assert [str(each) for page in pages for each in page.repositories] == ["us-docker.pkg.dev/p/one/team/app"]
    assert len(google.asked) == 4


async def test_google_s_refusals_say_what_to_do(tmp_path: Path) -> None:
    async with GoogleEmulator(api_enabled=False) as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(IncompleteSource) as raised:
                await listed(registry, PROJECT)
            assert "gcloud services enable" in raised.value.what_to_do
            served.api_enabled, served.attached = True, STRANGER
    async with GoogleEmulator() as served:
        served.attached = STRANGER
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unauthorized, match="cannot be listed by the Artifact Registry API"):
                await listed(registry, PROJECT)


async def test_without_google_s_api_nothing_is_listed(tmp_path: Path) -> None:
    catalog = Catalog(RegistryHost("gcr.io"), RepositoryPath("p"))
    with pytest.raises(IncompleteSource, match="which cannot be asked as me"):
        async for _ in gcr_catalog.read_catalog(None, "me", catalog):
            pass


# Docker Hub


async def test_docker_hub_shows_a_stranger_no_part_of_a_namespace_as_the_whole(tmp_path: Path) -> None:
    async with DockerHubEmulator(private=False) as served:
        push(served, served.path)
        async with registry_of(tmp_path, served, Login()) as registry:
            with pytest.raises(Unauthorized, match="only those that everybody may see would be listed"):
                await listed(registry, "team")


async def test_a_namespace_that_docker_hub_does_not_show_is_unseen(tmp_path: Path) -> None:
    async with DockerHubEmulator() as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unseen, match=r"none of the repositories of .*/nobody"):
                await listed(registry, "nobody")
            with pytest.raises(Unseen, match=r"shows .* none of the repositories of .*/team/nothing"):
                await listed(registry, "team/nothing")
            served.faults.add(
                Fault("GET", r"/repositories\?", Answer(404, b'{"message":"not found"}', JSON), times=None)
            )
            with pytest.raises(Unseen, match="no namespace team"):
                await listed(registry, "team")


async def test_an_organization_s_token_that_may_not_list_is_shown_nothing_and_that_is_unseen(tmp_path: Path) -> None:
    async with DockerHubEmulator() as served:
        push(served, served.path)
        scopes = frozenset({"scope-repository-read", "scope-tag-admin", "scope-image-pull"})
        served.let_in(HubAccount("oat", "team", "dckr_oat_holystone", scopes))
        async with registry_of(tmp_path, served, served.docker_login("dckr_oat_holystone", "team")) as registry:
            with pytest.raises(Unseen):
                await listed(registry, "team")


async def test_a_repository_that_goes_while_docker_hub_is_read_hides_no_other(tmp_path: Path) -> None:
    def change(hub: DockerHubEmulator, number: int) -> None:
        if number == 1:
            hub.storage.repositories.pop("team/app000", None)

    async with DockerHubEmulator(between_pages=change) as served:
        names = [f"team/app{number:03}" for number in range(205)]
        push(served, *names)
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "team")) == names


# GitHub


async def test_a_workflow_s_token_is_told_that_it_may_not_list(tmp_path: Path) -> None:
    async with GithubEmulator() as served:
        push(served, served.path)
        async with registry_of(tmp_path, served, served._login(WORKFLOW)) as registry:
            with pytest.raises(Unauthorized) as raised:
                await listed(registry, "acme")
            assert "GITHUB_TOKEN may not list packages" in raised.value.what_to_do


async def test_another_user_s_packages_are_not_listed_in_part(tmp_path: Path) -> None:
    async with GithubEmulator(owner_kinds={"acme": "User"}, public=True) as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unauthorized, match="only those that everybody may see"):
                await listed(registry, "acme")


async def test_one_s_own_packages_are_listed(tmp_path: Path) -> None:
    async with GithubEmulator(owner_kinds={"captain": "User"}) as served:
        push(served, "captain/log", "captain/ship/bridge")
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "captain")) == ["captain/log", "captain/ship/bridge"]
            assert await listed(registry, "captain/ship") == ["captain/ship/bridge"]


async def test_packages_that_move_between_github_s_pages_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github_catalog, "PAGE_SIZE", 2)
    async with GithubEmulator() as served:
        names = [f"acme/app{number}" for number in range(7)]
        push(served, *names)
        served.before_page = lambda number: served.storage.repositories.pop("acme/app6", None) if number == 2 else None
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "acme")) == names


async def test_packages_that_github_hides_all_are_unseen(tmp_path: Path) -> None:
    async with GithubEmulator() as served:
        push(served, served.path)
        served.hidden.add(served.path)
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unseen):
                await listed(registry, "acme")


# GitLab


async def test_gitlab_lists_a_group_a_project_and_what_is_below_it(tmp_path: Path) -> None:
    async with GitlabEmulator() as served:
        push(served, "team/app", "team/app/front", "team/app/front/dev", "team/tool", "teams/x")
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "team")) == [
                "team/app",
                "team/app/front",
                "team/app/front/dev",
                "team/tool",
            ]
            assert sorted(await listed(registry, "team/app")) == ["team/app", "team/app/front", "team/app/front/dev"]
            assert sorted(await listed(registry, "team/app/front")) == ["team/app/front", "team/app/front/dev"]
            assert await listed(registry, "team/app/none") == []


async def test_what_gitlab_hides_or_closes_is_never_empty(tmp_path: Path) -> None:
    async with GitlabEmulator() as served:
        push(served, "team/app", "hidden/app", "closed/app")
        served.closed.add("closed")
        async with registry_of(tmp_path, served) as registry:
            for prefix in ("hidden", "hidden/app", "hidden/app/front", "nobody"):
                with pytest.raises(Unseen, match="no group and no project"):
                    await listed(registry, prefix)
            with pytest.raises(Unauthorized) as raised:
                await listed(registry, "closed")
            assert "read_api" in raised.value.what_to_do


async def test_a_group_that_is_called_like_a_number_is_not_the_one_with_that_number(tmp_path: Path) -> None:
    async with GitlabEmulator() as served:
        push(served, "2024/app/front", "team/app")
        async with registry_of(tmp_path, served) as registry:
            assert await listed(registry, "2024/app") == ["2024/app/front"]
            with pytest.raises(IncompleteSource, match="takes 2024 for the number of a group"):
                await listed(registry, "2024")


async def test_without_an_access_token_gitlab_lists_to_administrators_only(tmp_path: Path) -> None:
    async with GitlabEmulator() as served:
        push(served, "team/app")
        async with registry_of(tmp_path, served, served.docker(DEVELOPER)) as registry:
            with pytest.raises(Unauthorized) as raised:
                await listed(registry, "team")
            assert "--repo-gitlab-token" in raised.value.what_to_do


async def test_projects_that_move_between_gitlab_s_pages_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitlab_catalog, "PAGE_SIZE", 2)
    async with GitlabEmulator() as served:
        names = [f"team/app{number}" for number in range(7)]
        push(served, *names)
        served.before_page = lambda number: served.storage.repositories.pop("team/app0", None) if number == 2 else None
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "team")) == names


# Harbor


async def test_a_project_that_is_not_there_or_closed_is_never_empty(tmp_path: Path) -> None:
    async with HarborEmulator() as served:
        push(served, served.path)
        served.accounts["robot$deleter"] = Account("Robots-0-Read", frozenset({"delete tag", "read project"}))
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unauthorized):
                await listed(registry, "nobody")
        async with registry_of(tmp_path, served, served.login_as("robot$deleter", "Robots-0-Read")) as registry:
            with pytest.raises(Unauthorized) as raised:
                await listed(registry, "shop")
            assert "repository:list" in raised.value.what_to_do
            with pytest.raises(Unseen):
                await listed(registry)


async def test_harbor_s_empty_project_is_empty(tmp_path: Path) -> None:
    async with HarborEmulator() as served, registry_of(tmp_path, served) as registry:
        assert await listed(registry, "shop") == []


async def test_repositories_that_move_between_harbor_s_pages_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harbor_catalog, "PAGE_SIZE", 2)
    async with HarborEmulator() as served:
        names = [f"shop/app{number}" for number in range(7)]
        push(served, *names)
        served.before_page = lambda number: served.storage.repositories.pop("shop/app0", None) if number == 2 else None
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "shop")) == names


# Quay


async def test_quay_shows_a_robot_what_it_may_read(tmp_path: Path) -> None:
    async with QuayEmulator(door="robot") as served:
        served.repositories_a_page = 2
        push(served, *(f"team/app{number}" for number in range(5)), "team/secret")
        served.foreign.add("team/secret")
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "team")) == [f"team/app{number}" for number in range(5)]
        asked = [each.path for each in served.requests if "/v2/auth" in each.path]
        assert asked
        assert all("catalog" not in path for path in asked), "a scope that Quay does not know is 400 there"


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_a_namespace_of_which_quay_shows_nothing_is_unseen(tmp_path: Path, door: str) -> None:
    async with QuayEmulator(door="api" if door == "api" else "robot") as served:
        push(served, "team/secret")
        served.foreign.add("team/secret")
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unseen):
                await listed(registry, "team")


async def test_a_list_of_quay_s_that_turns_in_circles_is_refused(tmp_path: Path) -> None:
    body = b'{"repositories":[{"namespace":"team","name":"a"}],"next_page":"gAAAA"}'
    async with QuayEmulator() as served:
        push(served, served.path)
        served.faults.add(Fault("GET", r"/repository\?", Answer(200, body), times=None))
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(IncompleteSource, match="turns in circles"):
                await listed(registry, "team")


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
