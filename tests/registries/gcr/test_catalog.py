"""Google: the list of repositories, what it shows, takes and refuses."""

from pathlib import Path

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.gcr import catalog as gcr_catalog
from holystone.adapters.registries.gcr.places import around
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.model.references import RegistryHost, RepositoryPath
from tests.emulators.gcr import PROJECT, STRANGER, GoogleEmulator
from tests.support.catalogs import listed, push, registry_of


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
