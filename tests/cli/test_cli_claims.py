"""What a plan file or a row of the journal says of its registries is a claim: nobody is sent the login of a vendor's
options because of it."""

import base64
from collections.abc import Iterator
from pathlib import Path

import anyio
import msgspec
import pytest
from aiohttp import web

from holystone.adapters.registries.detection import is_vendors_own
from holystone.adapters.registries.implementations import IMPLEMENTATIONS
from holystone.adapters.state.sqlite import Journal
from holystone.engine.model.addresses import ImagesRepoMode
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.workflows.plan_file import write_plan
from tests.cli.test_cli_asked import logins
from tests.contract.stands import emulator
from tests.support.command_line import Bench, bench, now
from tests.support.http_site import Site, site
from tests.support.journals import begin_repository
from tests.support.small_plans import level, remove, repository_plan
from tests.support.tiny_project import tiny_project

SECRETS = {
    "WERF_REPO_QUAY_TOKEN": "quay-secret",
    "WERF_REPO_GITHUB_TOKEN": "github-secret",
    "WERF_REPO_HARBOR_USERNAME": "robot",
    "WERF_REPO_HARBOR_PASSWORD": "harbor-secret",
    "WERF_REPO_DOCKER_HUB_USERNAME": "rob",
    "WERF_REPO_DOCKER_HUB_PASSWORD": "hub-secret",
}
WORKFLOW = {"GITHUB_TOKEN": "workflow-secret", "GITHUB_API_URL": "https://api.github.com"}
"""In a job of GitHub's, where a plan may come out of an artefact."""
GONE, _ = layerless_image({}, oci=True)


async def challenge(_: web.Request) -> web.Response:
    return web.json_response({"errors": []}, status=401, headers={"WWW-Authenticate": 'Basic realm="thief"'})


@pytest.fixture
def thief(shop: Bench) -> Iterator[Site]:
    with shop.portal.wrap_async_context_manager(site(challenge)) as there:
        yield there


def claiming(host: RegistryHost, implementation: str) -> Plan:
    """By somebody who knows what is believed."""
    at = repository_plan(Repository(host, RepositoryPath("team/app")), level(remove(GONE.digest, "v1")))
    at = msgspec.structs.replace(at, implementation=implementation, detected_by="user")
    return Plan(as_of=now(), command="cleanup", repositories=(at,))


def record(shop: Bench, plan: Plan) -> str:
    async def begin() -> str:
        with Journal.open(shop.home / "state") as journal:
            run = await journal.begin(plan, plan.command)
            await begin_repository(run, plan.repositories[0].repository, [GONE], None)
            return run.id

    shop.env["HOLYSTONE_STATE_DIR"] = str(shop.home / "state")
    return anyio.run(begin)


def leaked(thief: Site, secrets: dict[str, str]) -> set[str]:
    shown = []
    for seen in thief.seen:
        token = seen.authorization.partition(" ")[2]
        decoded = base64.b64decode(token + "===") if seen.authorization.startswith("Basic ") else token.encode()
        shown += [decoded.decode("latin-1"), repr(seen.headers), seen.path, seen.body.decode("latin-1")]
    return {name for name, secret in secrets.items() if any(secret in text for text in shown)}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("command", ["apply", "resume", "undo", "runs give-up"])
def test_no_vendors_login_goes_where_a_file_says(
    shop: Bench, thief: Site, tmp_path: Path, implementation: str, command: str
) -> None:
    plan = claiming(thief.host, implementation)
    if command == "apply":
        name = str(tmp_path / "plan.json")
        write_plan(Path(name), plan)
    else:
        name = record(shop, plan)
    ran = shop.run(*command.split(), name, env={**SECRETS, **WORKFLOW})
    assert "Traceback" not in ran.err
    assert leaked(thief, {**SECRETS, **WORKFLOW} | {"WERF_REPO_HARBOR_USERNAME": "robot:"}) == set()
    assert ran.code or command == "runs give-up"
    if implementation in ("quay", "harbor", "dockerhub") and ran.code:
        assert "the login of" in ran.message
        assert "--images-repo" in ran.message


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_ECR", "HOLYSTONE_REPO_API_URL"])
def test_no_password_of_clouds_goes_where_a_file_says(shop: Bench, thief: Site, name: str) -> None:
    """AWS gives one out that is good for all its registries. Where its API is says nothing of a host."""
    run = record(shop, claiming(thief.host, "ecr"))
    aws = emulator("ecr")
    with shop.portal.wrap_async_context_manager(aws):
        env = {**aws.login().environ, name: aws.url}
        for command in ("resume", "undo"):
            ran = shop.run(command, run, env=env)
            assert ran.code == 2
            assert f"says that {thief.host} is Amazon ECR" in ran.message
            assert "--repo-implementation ecr" in ran.message
        assert not aws.requests
    assert not any(each.authorization for each in thief.seen)


@pytest.mark.parametrize("name", ["HOLYSTONE_REPO_API_URL", "GITHUB_API_URL", "CI_API_V4_URL"])
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_what_docker_has_for_one_host_is_not_shown_to_the_api_of_another(
    shop: Bench, thief: Site, implementation: str, name: str
) -> None:
    """Of which a file says that they belong together."""
    with shop.portal.wrap_async_context_manager(site(challenge, address="127.0.0.3")) as other:
        shop.docker_config(auths={other.host: {"auth": base64.b64encode(b"bob:docker-secret").decode()}})
        run = record(shop, claiming(other.host, implementation))
        for command in ("resume", "undo"):
            ran = shop.run(command, run, env={name: thief.url, "CI_REGISTRY": thief.host})
            assert ran.code
            assert "Traceback" not in ran.err
    assert leaked(thief, {"docker": "docker-secret"}) == set()


def test_another_place_of_this_very_command_vouches_for_nobody(shop: Bench, thief: Site, tmp_path: Path) -> None:
    """Nor does the right host for another implementation."""
    file = tmp_path / "plan.json"
    write_plan(file, claiming(thief.host, "quay"))
    for env in (
        {"WERF_STAGES_STORAGE": f"{thief.host}/team/app"},
        {"WERF_IMAGES_REPO": f"{thief.host}/team", "WERF_REPO_IMPLEMENTATION": "harbor"},
        {"WERF_IMAGES_REPO": f"{thief.host}/team"},
    ):
        shop.run("apply", str(file), env={**SECRETS, **env})
    assert leaked(thief, SECRETS) == set()


@pytest.mark.parametrize("docker", [False, True], ids=["", "beside docker's"])
@pytest.mark.parametrize("vendor", ["quay", "harbor"])
def test_the_login_is_sent_where_this_command_says_whose_it_is(vendor: str, tmp_path: Path, *, docker: bool) -> None:
    """Without it the command ends, also where Docker has a login for the host, which would see and do other things."""
    registry = emulator(vendor)
    with bench(tmp_path, registry=registry) as shop:
        mode: ImagesRepoMode = "monorepo" if vendor == "quay" else "multirepo"
        tiny_project(shop.project, registry.storage, now=now(), mode=mode)
        shop.env.update({**registry.environ, **registry.login().environ})
        if docker:
            shop.docker_config(**logins(registry))
        file = tmp_path / "plan.json"
        assert shop.cleanup("--plan-out", str(file)).code == 0
        before = shop.contents()
        alone = shop.run("apply", str(file))
        assert alone.code == 2
        assert f"add --repo-implementation {vendor}" in alone.message
        assert shop.contents() == before
        applied = shop.run("apply", str(file), *shop.addresses(), "--output=json")
        assert applied.code == 0, applied.err
        run = applied.json["run"]
        assert shop.run("undo", run).code == 2
        assert shop.run("undo", run, *shop.addresses()).code == 0


@pytest.mark.parametrize(
    ("host", "implementation", "own"),
    [
        ("quay.io", "quay", True),
        ("ghcr.io", "github", True),
        ("docker.io", "dockerhub", True),
        ("quay.io", "harbor", False),
        ("quay.evil.com", "quay", False),
        ("harbor.evil.example", "harbor", False),
        ("containers.evil.example", "github", False),
        ("quay.io.evil.example", "quay", False),
    ],
)
def test_whose_name_it_is(host: str, implementation: str, own: bool) -> None:
    assert is_vendors_own(RegistryHost.parse(host), implementation) == own
