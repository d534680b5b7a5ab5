"""What `apply`, `resume` and `undo` know of the file of policies that a prune was planned with: its logins, and whom it
has asked what is in use."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.references import RegistryHost, RepositoryPath, Tag
from holystone.workflows.plan_file import read_plan, write_plan
from tests.cli.test_cli_claims import challenge
from tests.cli.test_cli_in_use import TOKEN, write_config
from tests.emulators.harbor import PASSWORD, HarborEmulator
from tests.emulators.kubernetes import KubeApi
from tests.support.command_line import Bench, Ran, bench
from tests.support.dated_registry import Registry, aged
from tests.support.http_site import site

APP = "shop/app"
LOGIN = {"CLEANER_NAME": "sweeper", "CLEANER_PASSWORD": PASSWORD}
POLICY = '  - {name: shop, repositories: ["HOST/shop/**"], keep: [{tags: [v-1, v-2]}]}\n'
CREDENTIALS = "{username: env:CLEANER_NAME, password: env:CLEANER_PASSWORD}"


class Files:
    """A registry, and files of policies about it, as `holystone.yaml`."""

    def __init__(self, made: Bench) -> None:
        self.bench = made
        self.registry = Registry(made)
        self.registry.push(APP, aged("v", 5))
        self.list = made.project / "in-use.txt"
        self.said: dict[str, str] = {}
        self.write()

    def write(self, **said: str) -> None:
        self.said = {**self.said, **said}
        self.registry.file(POLICY, **self.said)

    def in_use(self, kubernetes: str = "none", *tags: str) -> None:
        self.list.write_text("".join(f"{self.bench.registry.host}/{APP}:{tag}\n" for tag in tags))
        self.write(**{"in-use": f"{{kubernetes: {kubernetes}, lists: [in-use.txt]}}"})

    def run(self, *words: str, **environ: str) -> Ran:
        return self.bench.run(*words, env=environ)

    def plan(self) -> None:
        planned = self.run("prune", "--config", "holystone.yaml", "--plan-out", "plan.json")
        assert planned.code == 0, planned
        assert "`holystone apply plan.json --config holystone.yaml` executes it" in planned.err + planned.out

    def broken_off(self, *words: str) -> str:
        """A run that has failed to delete v-5."""
        faults = self.bench.registry.faults
        v5 = self.bench.registry.storage.repositories[RepositoryPath(APP)].tags[Tag("v-5")]
        faults.add(Fault("DELETE", str(v5), Answer(503), times=None))
        ran = self.run(*(words or ("prune", "--config", "holystone.yaml")), "--output=json")
        faults.clear()
        assert ran.code == 4, ran
        assert "v-5" in self.tags
        run: str = ran.json["run"]
        return run

    @property
    def tags(self) -> list[str]:
        return self.registry.tags(APP)


ALL = ["v-1", "v-2", "v-3", "v-4", "v-5"]


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    with bench(tmp_path) as made:
        made.env.clear()
        yield Files(made)


@pytest.fixture
def harbor(tmp_path: Path) -> Iterator[Files]:
    """Its login stands in the file, and nowhere else."""
    with bench(tmp_path, registry=HarborEmulator()) as made:
        made.env.clear()
        made.env.update(LOGIN)
        found = Files(made)
        found.write(registries=f"{{HOST: {{implementation: harbor, credentials: {CREDENTIALS}}}}}")
        yield found


def test_the_logins_of_the_file_carry_a_plan_out_and_take_it_back(harbor: Files) -> None:
    harbor.in_use("none", "v-3")
    harbor.plan()
    before = harbor.bench.contents()
    alone = harbor.run("apply", "plan.json", "--in-use", "in-use.txt")
    assert alone.code, alone
    assert f"the login that a file of policies has for {harbor.bench.registry.host}, which is not given" in alone.err
    assert harbor.bench.contents() == before
    run = harbor.broken_off("apply", "plan.json", "--config", "holystone.yaml")
    assert harbor.tags == ["v-1", "v-2", "v-3", "v-5"]
    resumed = harbor.run("resume", "--config", "holystone.yaml")
    assert resumed.code == 0, resumed
    assert harbor.tags == ["v-1", "v-2", "v-3"]
    assert "which is not given" in harbor.run("undo", run).err
    assert harbor.tags == ["v-1", "v-2", "v-3"]
    undone = harbor.run("undo", run, "--config", "holystone.yaml")
    assert undone.code == 0, undone
    assert harbor.bench.contents() == before
    assert not any(PASSWORD in each.out + each.err for each in (alone, resumed, undone))


def test_the_variable_that_names_the_file_counts_like_the_option(harbor: Files) -> None:
    run = harbor.broken_off()
    named = {"HOLYSTONE_CONFIG": "holystone.yaml"}
    assert harbor.run("resume", **named).code == 0
    assert harbor.tags == ["v-1", "v-2"]
    assert harbor.run("undo", run, **named).code == 0
    assert harbor.tags == ALL


def test_what_is_listed_by_the_time_stays(harbor: Files) -> None:
    harbor.in_use("none", "v-3")
    harbor.plan()
    run = harbor.broken_off()
    left = harbor.tags
    harbor.in_use("none", "v-3", "v-5")
    for words in (("apply", "plan.json"), ("resume",), ("resume", run)):
        refused = harbor.run(*words, "--config", "holystone.yaml")
        assert refused.code == 3, refused
        assert f"in use by now: {harbor.bench.registry.host}/{APP}:v-" in refused.message
        assert "in-use.txt:2" in refused.message
    assert harbor.tags == left


@pytest.mark.parametrize("command", ["apply", "resume"])
def test_lists_that_are_not_asked_again_stop_it(files: Files, command: str) -> None:
    """Whether the file of policies has named them, or the command line."""
    files.in_use("none", "v-3")
    files.plan()
    words = ("apply", "plan.json") if command == "apply" else ("resume", files.broken_off())
    before = files.tags
    refused = files.run(*words)
    assert refused.code == 3, refused
    assert "was made with what is listed as in use in" in refused.message
    assert "in-use.txt, and no list is given here" in refused.message
    assert "--in-use FILE" in refused.message
    assert files.tags == before
    assert files.run(*words, "--in-use", "/dev/null").code == 0
    assert files.tags == ["v-1", "v-2", "v-3"]


@pytest.fixture
def cluster(files: Files) -> Iterator[Callable[[str], KubeApi]]:
    with ExitStack() as stack:
        known: dict[str, KubeApi] = {}

        def make(name: str) -> KubeApi:
            api = KubeApi(tokens={TOKEN: "rob"})
            known[name] = stack.enter_context(files.bench.portal.wrap_async_context_manager(api))
            write_config(files.bench.home / ".kube" / "config", known)
            return api

        yield make


NARROW = {
    "without": {"WERF_WITHOUT_KUBE": "true"},
    "context": {"WERF_KUBE_CONTEXT": "prod"},
    "excluded": {"HOLYSTONE_EXCLUDE_KUBE_CONTEXT_1": "staging"},
    "namespace": {"WERF_SCAN_CONTEXT_NAMESPACE_ONLY": "true"},
}


@pytest.mark.parametrize("by", NARROW)
@pytest.mark.parametrize("words", [(), ("--config", "holystone.yaml")], ids=["", "with the file"])
def test_no_variable_narrows_who_is_asked_again(
    files: Files, cluster: Callable[[str], KubeApi], words: tuple[str, ...], by: str
) -> None:
    """The file has not been narrowed by it either."""
    cluster("prod")
    staging = cluster("staging")
    files.write(**{"in-use": "{kubernetes: all}"})
    files.plan()
    run = files.broken_off()
    staging.run("deployments", "web", f"{files.bench.registry.host}/{APP}:v-5", namespace="shop")
    staging.run("deployments", "old", f"{files.bench.registry.host}/{APP}:v-4", namespace="shop")
    before = files.tags
    for command in (("apply", "plan.json"), ("resume", run)):
        refused = files.run(*command, *words, **NARROW[by])
        assert refused.code == 3, refused
        assert "in context staging" in refused.message
    assert files.tags == before
    assert files.run("resume", run, *words, "--exclude-kube-context", "staging").code == 0
    assert files.tags == ["v-1", "v-2"]


def test_a_cluster_that_cannot_be_asked_is_left_out_by_whoever_types_it(
    files: Files, cluster: Callable[[str], KubeApi]
) -> None:
    cluster("prod")
    files.write(**{"in-use": "{kubernetes: all}"})
    files.plan()
    kubeconfig = files.bench.home / ".kube" / "config"
    kubeconfig.unlink()
    for environ in ({}, {"WERF_WITHOUT_KUBE": "true"}):
        refused = files.run("apply", "plan.json", **environ)
        assert refused.code == 3, refused
        assert "was made with what runs in context prod" in refused.message
        assert "No variable says so" in refused.message
    write_config(kubeconfig, {"other": cluster("other")})
    assert files.run("apply", "plan.json").code == 3
    ran = files.run("apply", "plan.json", "--exclude-kube-context", "prod")
    assert ran.code == 0, ran


@pytest.mark.parametrize("said", ["none", "[staging]"])
def test_a_file_that_asks_less_than_the_plan_had_stops_it(
    files: Files, cluster: Callable[[str], KubeApi], said: str
) -> None:
    cluster("prod")
    cluster("staging")
    files.write(**{"in-use": "{kubernetes: [prod]}"})
    files.plan()
    files.write(**{"in-use": f"{{kubernetes: {said}}}"})
    refused = files.run("apply", "plan.json", "--config", "holystone.yaml")
    assert refused.code == 3, refused
    assert "what runs in context prod, and the file of policies does not have it asked" in refused.message
    assert files.tags == ALL
    ran = files.run("apply", "plan.json", "--config", "holystone.yaml", "--exclude-kube-context", "prod")
    assert ran.code == 0, ran


def test_a_file_that_asks_more_than_the_plan_had_is_heard(files: Files, cluster: Callable[[str], KubeApi]) -> None:
    files.write(**{"in-use": "{kubernetes: none}"})
    files.plan()
    api = cluster("prod")
    api.run("deployments", "web", f"{files.bench.registry.host}/{APP}:v-5", namespace="shop")
    for said in ("all", "[prod]"):
        files.write(**{"in-use": f"{{kubernetes: {said}}}"})
        refused = files.run("apply", "plan.json", "--config", "holystone.yaml")
        assert refused.code == 3, refused
        assert "in context prod" in refused.message
    assert files.run("apply", "plan.json").code == 0


def test_a_login_of_the_file_goes_to_its_host_alone(harbor: Files, tmp_path: Path) -> None:
    """Whatever a plan names: another host, or the host as something else, gets nothing of it."""
    harbor.plan()
    plan, _ = read_plan(harbor.bench.project / "plan.json", tmp_path, max_age=3600)
    (at,) = plan.repositories
    with harbor.bench.portal.wrap_async_context_manager(site(challenge, address="127.0.0.3")) as thief:
        for implementation in ("harbor", "quay", "dockerhub", "default"):
            repository = msgspec.structs.replace(at.repository, host=RegistryHost(thief.host))
            claims = msgspec.structs.replace(at, repository=repository, implementation=implementation)
            write_plan(
                harbor.bench.project / "false.json", msgspec.structs.replace(plan, repositories=(claims,), logins=())
            )
            ran = harbor.run("apply", "false.json", "--config", "holystone.yaml")
            assert ran.code, ran
            assert "Traceback" not in ran.err
        assert thief.seen
        shown = [f"{each.headers} {each.body!r} {each.path}" for each in thief.seen]
    secret = base64.b64encode(f"sweeper:{PASSWORD}".encode()).decode()
    assert not any(each in text for text in shown for each in (PASSWORD, secret, "sweeper"))
    assert harbor.tags == ALL


def test_the_file_says_which_registry_is_meant_by_the_login_of_options(harbor: Files) -> None:
    """As it does for prune: a plan alone does not."""
    harbor.said.clear()
    harbor.write(registries="{HOST: {implementation: harbor}}")
    login = {"WERF_REPO_HARBOR_USERNAME": "sweeper", "WERF_REPO_HARBOR_PASSWORD": PASSWORD}
    harbor.bench.env.update(login)
    harbor.plan()
    alone = harbor.run("apply", "plan.json")
    assert alone.code == 2, alone
    assert "or, where `prune` made the plan, in the file of --config" in alone.message
    ran = harbor.run("apply", "plan.json", "--config", "holystone.yaml")
    assert ran.code == 0, ran
    assert harbor.tags == ["v-1", "v-2"]


def test_addresses_of_a_project_and_a_file_of_policies_are_about_different_runs(files: Files) -> None:
    run = files.broken_off()
    address = f"{files.bench.registry.host}/other"
    refused = files.run("resume", run, "--config", "holystone.yaml", "--images-repo", address)
    assert refused.code == 2, refused
    assert "--config is about runs of `prune`, and --images-repo about those of a project" in refused.message
    theirs = {"HOLYSTONE_CONFIG": "absent.yaml", "WERF_IMAGES_REPO": address}
    assert "No run of this project is left unfinished" in files.run("resume", **theirs).err
    assert files.run("resume", "--config", "holystone.yaml", WERF_IMAGES_REPO=address).code == 0
    assert files.tags == ["v-1", "v-2"]


@pytest.mark.parametrize("command", ["apply", "resume", "undo"])
def test_a_file_that_cannot_be_read_ends_it(files: Files, command: str) -> None:
    files.plan()
    word = "plan.json" if command == "apply" else files.broken_off()
    before = files.tags
    for name, why in (("absent.yaml", "absent.yaml"), ("holystone.yaml", "holystone.yaml:1")):
        (files.bench.project / "holystone.yaml").write_text("format: 2\n")
        ran = files.run(command, word, "--config", name)
        assert ran.code == 2, ran
        assert why in ran.message
    assert files.tags == before
