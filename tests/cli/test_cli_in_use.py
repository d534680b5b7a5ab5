"""Whole runs with images in use: in a cluster, in a list; and clusters that cannot be asked."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from holystone.embedded.faults import Answer, Fault, Hang
from holystone.workflows import project_plan, still_unused
from tests.emulators.kubernetes import KubeApi
from tests.support.command_line import Bench
from tests.support.folded_tags import fold

Refuse = Callable[..., str]
TOKEN = "kube-token-0123456789"


@pytest.fixture
def shop(shop: Bench) -> Bench:
    del shop.env["WERF_WITHOUT_KUBE"]
    return shop


@pytest.fixture
def cluster(shop: Bench) -> Iterator[Callable[..., KubeApi]]:
    """`cluster(name)`: another cluster, with a context of that name in ~/.kube/config."""
    with ExitStack() as stack:
        known: dict[str, KubeApi] = {}

        def make(name: str = "prod", **fields: Any) -> KubeApi:
            api = KubeApi(tokens={TOKEN: "rob"}, **fields)
            known[name] = stack.enter_context(shop.portal.wrap_async_context_manager(api))
            write_config(shop.home / ".kube" / "config", known)
            return api

        yield make


def write_config(file: Path, clusters: dict[str, KubeApi]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        json.dumps(
            {
                "clusters": [{"name": name, "cluster": {"server": api.url}} for name, api in clusters.items()],
                "users": [{"name": "rob", "user": {"token": TOKEN}}],
                "contexts": [{"name": name, "context": {"cluster": name, "user": "rob"}} for name in clusters],
            }
        )
    )


def doomed(shop: Bench, image: str = "front") -> tuple[str, list[str]]:
    """The address of an image, and its tags that a cleanup without any cluster would delete, in order."""
    plan = shop.cleanup("--dry-run", "--without-kube", "--output=json").json["plan"]
    (found,) = (each for each in plan["repositories"] if each["repository"]["path"] == f"shop/app/{image}")
    tags = sorted(
        tag for each in found["passes"] for step in each["steps"] for tag in step.get("tags", [step.get("tag")])
    )
    assert tags
    return f"{shop.registry.host}/shop/app/{image}", tags


def tags(shop: Bench, image: str = "front") -> set[str]:
    return set(shop.contents()[f"shop/app/{image}"][0])


def test_what_a_deployment_uses_stays(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    address, (tag, *others) = doomed(shop)
    before = tags(shop)
    cluster().run("deployments", "web", f"{address}:{tag}", "redis:7", namespace="shop")
    ran = shop.cleanup("--dry-run")
    assert ran.code == 0
    (line,) = (line for line in ran.out.splitlines() if line.startswith(f"  stay  {tag} "))
    assert line.endswith("  in use: Deployment shop/web in context prod")
    assert "note: 2 images in use in 1 Kubernetes context" in ran.out
    ran = shop.cleanup()
    assert ran.code == 0
    assert tags(shop) == before - set(others)
    assert TOKEN not in ran.out + ran.err


def test_what_is_rolled_back_to_while_the_registries_are_read_stays(
    shop: Bench, cluster: Callable[..., KubeApi], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, (tag, *_) = doomed(shop)
    api = cluster()
    api.answers["deployments"] = [web.json_response({"kind": "DeploymentList", "metadata": {}, "items": []})]
    api.run("deployments", "web", f"{address}:{tag}", namespace="shop")
    monkeypatch.setattr(project_plan, "A_WHILE", 0.0)
    assert shop.cleanup().code == 0
    assert tag in tags(shop)


@pytest.mark.parametrize("config", ["file", "pipe"])
def test_what_is_rolled_back_to_before_the_plan_is_carried_out_stays(
    shop: Bench, cluster: Callable[..., KubeApi], monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    """Where that took longer than a minute. A configuration that came out of a pipe is not read again."""
    address, (tag, *_) = doomed(shop)
    api = cluster()
    api.answers["deployments"] = [web.json_response({"kind": "DeploymentList", "metadata": {}, "items": []})]
    api.run("deployments", "web", f"{address}:{tag}", namespace="shop")
    before = shop.contents()
    monkeypatch.setattr(still_unused, "A_WHILE", -1.0)
    ran = shop.cleanup(*(_piped(shop.home / ".kube" / "config") if config == "pipe" else ()))
    assert ran.code == 3, ran
    assert f"in use by now: {address}:{tag} (Deployment shop/web in context prod)" in ran.message
    assert "Make a new plan. What is in use stays in it." in ran.message
    assert shop.contents() == before
    assert "has no run" in shop.run("runs").err


def _piped(file: Path) -> tuple[str, str]:
    """The option for a configuration that can be read once."""
    read, write = os.pipe()
    os.write(write, file.read_bytes())
    os.close(write)
    file.unlink()
    return "--kube-config", f"/dev/fd/{read}"


def test_a_plan_that_is_carried_out_at_once_asks_nobody_again(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    api = cluster()
    api.run("deployments", "web", "redis:7", namespace="shop")
    assert shop.cleanup("--dry-run").code == 0
    for_a_plan = len(api.asked)
    ran = shop.cleanup()
    assert ran.code == 0
    assert ran.notes == []
    assert len(api.asked) == 2 * for_a_plan


def test_what_runs_by_digest_alone_stays(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    _, (tag, *_) = doomed(shop)
    digest = shop.contents()["shop/app/front"][0][tag]
    api = cluster()
    api.run("pods", "web", "mirror.example/front:other")
    api.objects["pods"][0]["status"] = {"containerStatuses": [{"imageID": f"mirror.example/front@{digest}"}]}
    assert shop.cleanup().code == 0
    assert tag in tags(shop)


def test_what_runs_by_the_digest_of_its_configuration_stays(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    """As CRI-O writes it where the image was pulled by another name: without algorithm and name."""
    _, (tag, *_) = doomed(shop)
    digest = shop.contents()["shop/app/front"][0][tag]
    manifest = json.loads(shop.registry.storage.repositories["shop/app/front"].manifests[digest].body)
    api = cluster()
    api.run("pods", "web", "mirror.example/front:other")
    word = manifest["config"]["digest"].removeprefix("sha256:")
    api.objects["pods"][0]["status"] = {"containerStatuses": [{"imageID": word}]}
    assert shop.cleanup().code == 0
    assert tag in tags(shop)


def test_what_runs_and_is_not_understood_stops_the_run(
    shop: Bench, cluster: Callable[..., KubeApi], refused: Refuse
) -> None:
    api = cluster()
    api.run("pods", "web", "mirror.example/front:other", namespace="shop")
    api.objects["pods"][0]["status"] = {"containerStatuses": [{"imageID": "0123456789ab"}]}
    message = refused(shop, code=3)
    assert "context prod: Pod shop/web runs what its container runtime calls '0123456789ab'" in message
    assert "Nothing was deleted." in message


def test_a_name_of_ours_that_is_still_to_be_filled_in_stops_the_run(
    shop: Bench, cluster: Callable[..., KubeApi], refused: Refuse
) -> None:
    api = cluster()
    for word in ("{host}/shop/app/front:$(TAG)", "$(REGISTRY)/shop/app/front:1", "{host}/$(IMAGE)"):
        api.objects.clear()
        api.run("cronjobs", "nightly", word.format(host=shop.registry.host), namespace="shop")
        message = refused(shop, code=3)
        assert "context prod: CronJob shop/nightly has the image" in message
        assert word.partition("}")[2] in message
    api.objects.clear()
    api.run("cronjobs", "nightly", "quay.io/else/where/shop/app/front-end:$(TAG)", namespace="shop")
    assert shop.cleanup().code == 0


def test_what_is_in_use_takes_no_place_in_a_limit(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    """The two newest on master stay. Where both are in use, the two after them stay too."""
    plan = shop.cleanup("--dry-run", "--without-kube", "--output=json").json["plan"]
    (front,) = (each for each in plan["repositories"] if each["repository"]["path"] == "shop/app/front")
    newest = {kept["tag"] for kept in front["kept"] if kept["reasons"][0]["type"] == "reached-from-branch"}
    third = {
        tag
        for each in front["passes"]
        for step in each["steps"]
        for tag in step["tags"]
        if step["reasons"][0]["type"] == "beyond-limit"
    }
    assert (len(newest), len(third)) == (2, 1)
    api = cluster()
    for number, tag in enumerate(newest):
        api.run("pods", f"web-{number}", f"{shop.registry.host}/shop/app/front:{tag}")
    assert shop.cleanup().code == 0
    assert newest | third <= tags(shop)


def test_an_image_in_use_keeps_its_stages(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    address, going = doomed(shop)
    cluster().run("cronjobs", "nightly", f"{address}:{going[0]}")
    assert shop.cleanup().code == 0
    with_it = set(shop.contents()["shop/stages"][0])
    assert shop.cleanup("--without-kube").code == 0
    assert set(shop.contents()["shop/stages"][0]) < with_it


def test_two_clusters(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    address, going = doomed(shop)
    back, backs = doomed(shop, "backend")
    cluster("prod").run("statefulsets", "web", f"{address}:{going[0]}")
    cluster("stage").run("pods", "web", f"{back}:{backs[0]}")
    assert shop.cleanup("--dry-run").code == 0
    ran = shop.cleanup()
    assert ran.code == 0
    assert "2 images in use in 2 Kubernetes contexts" in ran.out
    assert going[0] in tags(shop)
    assert backs[0] in tags(shop, "backend")


def test_one_context_of_two(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    prod, stage = cluster("prod"), cluster("stage")
    assert shop.cleanup("--dry-run", "--kube-context=prod").code == 0
    assert (bool(prod.asked), bool(stage.asked)) == (True, False)
    assert shop.cleanup("--dry-run", env={"HOLYSTONE_EXCLUDE_KUBE_CONTEXT_1": "prod"}).code == 0
    assert bool(stage.asked)


def test_a_cluster_that_cannot_be_reached(shop: Bench, cluster: Callable[..., KubeApi], refused: Refuse) -> None:
    cluster("prod")
    gone = cluster("gone")
    shop.portal.call(gone.__aexit__, None, None, None)
    message = refused(shop, code=3)
    assert "Images in use in Kubernetes cannot be read, context gone: 127.0.0.1:" in message
    assert "Nothing was deleted." in message
    assert "--exclude-kube-context gone" in message
    assert shop.cleanup("--exclude-kube-context", "gone").code == 0


def test_a_missing_right(shop: Bench, cluster: Callable[..., KubeApi], refused: Refuse) -> None:
    cluster("prod", forbidden={("cronjobs", "")})
    message = refused(shop, code=3)
    assert "context prod: its user may not list cronjobs in all namespaces: 403" in message
    assert "docs/in-use.md" in message
    assert "set-context prod --namespace" in refused(shop, "--scan-context-namespace-only", code=3)
    file = shop.home / ".kube" / "config"
    config = json.loads(file.read_text())
    config["contexts"][0]["context"]["namespace"] = "shop"
    file.write_text(json.dumps(config))
    assert shop.cleanup("--scan-context-namespace-only").code == 0


def test_a_token_that_is_refused_is_shown_nowhere(
    shop: Bench, cluster: Callable[..., KubeApi], refused: Refuse
) -> None:
    cluster("prod").tokens = {}
    message = refused(shop, code=3)
    assert "it refuses its user: 401" in message
    ran = shop.cleanup("--log-debug")
    assert TOKEN not in ran.out + ran.err + message
    for file in shop.home.rglob("*"):
        assert file.name == "config" or not file.is_file() or TOKEN.encode() not in file.read_bytes()


def test_no_configuration(shop: Bench, refused: Refuse) -> None:
    message = refused(shop, code=3)
    assert "No Kubernetes configuration was found" in message
    assert "--without-kube" in message
    assert shop.registry.requests == []
    assert shop.cleanup("--dry-run", "--without-kube").code == 0


def test_a_given_file_that_is_not_there(shop: Bench, cluster: Callable[..., KubeApi], refused: Refuse) -> None:
    cluster()
    assert "There is no kubeconfig at /no/kube" in refused(shop, code=3, env={"KUBECONFIG": "/no/kube"})
    file = shop.home / ".kube" / "config"
    assert shop.cleanup("--dry-run", "--kube-config", f"/no/kube:{file}").code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--kube-context", "dev"], "--kube-context: there is no context 'dev'"),
        (["--exclude-kube-context", "dev"], "--exclude-kube-context: there is no context 'dev'"),
        (["--exclude-kube-context", "prod"], "leaves no context to ask"),
        (["--kube-config-base64", "%%%"], "it is not base64"),
        (["--in-use", "missing.txt"], "missing.txt cannot be read"),
        (["--in-use", ""], "--in-use: an empty name"),
    ],
)
def test_wrong_words(
    shop: Bench, cluster: Callable[..., KubeApi], refused: Refuse, arguments: list[str], says: str
) -> None:
    api = cluster()
    assert says in refused(shop, *arguments, code=2)
    assert shop.registry.requests == []
    assert api.asked == []


def test_stages_alone_ask_no_cluster(shop: Bench) -> None:
    assert shop.run("stages", "cleanup", *shop.addresses(), "--dry-run").code == 0
    assert shop.run("images", "cleanup", *shop.addresses(), "--dry-run").code == 3


def test_a_list(shop: Bench, refused: Refuse, tmp_path: Path) -> None:
    address, (tag, *_) = doomed(shop)
    file = tmp_path / "used.txt"
    file.write_text(f"# docker hosts\n\n{address}:{tag}\n{address}:{tag}\n")
    ran = shop.cleanup("--without-kube", "--in-use", str(file), "--dry-run")
    assert ran.code == 0
    assert f"{file}:3" in ran.out
    assert "note: 1 image in use by --in-use" in ran.out
    file.write_text(f"{address}:{tag}\n{address} : {tag}\n")
    assert f"--in-use: {file}:2: " in refused(shop, "--without-kube", "--in-use", str(file), code=2)
    file.write_text(f"{address}:{tag}\n")
    assert shop.cleanup("--without-kube", env={"HOLYSTONE_IN_USE_1": str(file)}).code == 0
    assert tag in tags(shop)


def test_a_name_that_the_registry_folds_is_found_by_asking(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    """Gitea: pushed and deployed with capital letters, listed without."""
    address, (tag, *_) = doomed(shop)
    fold(shop.registry)
    cluster().run("deployments", "web", f"{address}:{tag.upper()}", namespace="shop")
    assert shop.cleanup().code == 0
    assert tag in tags(shop)


def test_a_name_in_use_that_the_list_lacks_stops_the_run(
    shop: Bench, cluster: Callable[..., KubeApi], refused: Refuse
) -> None:
    address, (tag, *_) = doomed(shop)
    cluster().run("deployments", "web", f"{address}:{tag}", namespace="shop")
    short = json.dumps({"name": "shop/app/front", "tags": sorted(tags(shop) - {tag})}).encode()
    answer = Answer(200, short, {"Content-Type": "application/json"})
    shop.registry.faults.add(Fault("GET", "shop/app/front/tags/list", answer, times=None))
    message = refused(shop, code=3)
    assert f"The list of tags of {address} is not complete: {tag} is in use" in message
    assert "Nothing was deleted." in message


def test_a_stage_that_somebody_runs_stays_with_what_it_was_built_from(shop: Bench) -> None:
    plan = shop.cleanup("--dry-run", "--without-kube", "--output=json").json["plan"]
    (stages,) = (each for each in plan["repositories"] if each["place"] == "stages")
    going = {
        tag: step["digest"]
        for each in stages["passes"]
        for step in each["steps"]
        for tag in step.get("tags", [step.get("tag")])
        if not tag.startswith("image-metadata")
    }
    run = max(going)
    file = shop.home / "used"
    file.write_text(f"{shop.registry.host}/shop/stages:{run}\n")
    for command in (("stages", "cleanup"), ("cleanup",)):
        ran = shop.run(*command, *shop.addresses(), "--without-kube", "--in-use", str(file), "--dry-run")
        assert ran.code == 0
        (line,) = (line for line in ran.out.splitlines() if f"  {run} " in line)
        assert line.startswith("  stay")
        assert "in use" in line


@pytest.mark.slow
def test_a_list_out_of_a_pipe(shop: Bench) -> None:
    address, (tag, *_) = doomed(shop)
    words = ("cleanup", *shop.addresses(), "--dry-run", "--without-kube", "--in-use=-")
    done = shop.spawn(*words, stdin=f"{address}:{tag}\n")
    assert done.code == 0
    assert "standard input:1" in done.out
    bad = shop.run(*words, stdin="no good\n")
    assert bad.code == 2
    assert "--in-use: standard input:1: " in bad.message


def test_clusters_are_asked_while_the_registry_is_read(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    """A cluster that fails at once ends the run before a slow registry has answered."""
    cluster().forbidden = {("pods", "")}
    shop.registry.faults.add(Fault("GET", "tags/list", Hang(), times=None))
    assert shop.cleanup().code == 3


def test_words_that_are_skipped_are_told(shop: Bench, cluster: Callable[..., KubeApi]) -> None:
    cluster().run("deployments", "web", "$(IMAGE)")
    ran = shop.cleanup("--dry-run")
    assert ran.code == 0
    assert "note: words in Kubernetes that name no image and were skipped: 1, e.g. '$(IMAGE)'" in ran.out
