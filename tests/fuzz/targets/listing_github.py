"""GitHub's versions of a package, by REST and by GraphQL."""

from holystone.adapters.registries.github.api import GithubApi
from holystone.adapters.registries.github.graphql import find_versions
from holystone.adapters.registries.github.versions import read_versions
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from tests.fuzz.scripted import LANE, Script, run

_ROW = (
    b'{"id":1,"name":"sha256:' + b"0" * 64 + b'","metadata":{"package_type":"container","container":{"tags":["v1"]}},'
    b'"created_at":"2026-11-29T05:06:41Z","updated_at":"2026-11-29T05:06:41Z"}'
)
_ABOUT = b'{"version_count":1,"updated_at":"2026-11-29T05:06:41Z"}'
SEEDS = (
    b"[" + _ROW + b"]",
    b'200\nLink: <https://registry.example/orgs/team/packages/container/app/versions?page=2>; rel="next", '
    b'<https://registry.example/orgs/team/packages/container/app/versions?page=2>; rel="last"\n\n['
    + _ROW
    + b"]\n%%\n"
    + _ABOUT
    + b"\n%%\n["
    + _ROW
    + b"]\n%%\n[]\n%%\n"
    + _ABOUT,
    b'{"data":{"repository":{"packages":{"nodes":[{"versions":{"nodes":[{"id":"x","version":"v1"}],"pageInfo":'
    b'{"hasNextPage":true,"endCursor":"y"}}}]}}}}\n%%\n{"data":null,"errors":[{"message":"no","type":"FORBIDDEN"}]}',
)
DOCKER = Repository(RegistryHost("docker.pkg.github.com"), RepositoryPath("team/app/front"))


def parse(data: bytes) -> None:
    for package in ("/orgs/team/packages/container/app", "/users/team/packages/container/app"):
        api = GithubApi(Script(data).http, LANE, LANE, who="nobody")
        run(read_versions(api, package, "active", what="ghcr.io/team/app"))
    run(find_versions(GithubApi(Script(data).http, LANE, LANE, who="nobody"), DOCKER))
