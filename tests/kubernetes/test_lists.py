"""What is read of a cluster: every kind, every field that names an image, every page; or an error."""

import tracemalloc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import anyio.lowlevel
import pytest
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.bodies import Bodies
from holystone.adapters.http.reply import Reply
from holystone.adapters.kubernetes import api as api_module
from holystone.adapters.kubernetes import listing, reader
from holystone.adapters.kubernetes.api import ApiServer
from holystone.adapters.kubernetes.listing import list_all
from holystone.adapters.kubernetes.objects import KINDS
from holystone.engine.errors import IncompleteSource, Unauthorized, Unreachable
from holystone.engine.model.in_use import Workload
from tests.emulators.kubernetes import KubeApi, status
from tests.kubernetes.conftest import ask, kubeconfig, names, parsed, read

PLURALS = (
    "pods",
    "replicationcontrollers",
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "jobs",
    "cronjobs",
)
DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize("plural", PLURALS)
async def test_every_kind_counts(api: KubeApi, plural: str) -> None:
    api.run(plural, "web", "r.io/web:1", namespace="shop", initContainers=[{"image": "r.io/init:1"}])
    found = await ask(api)
    assert names(found) == {"r.io/web:1", "r.io/init:1"}
    (user,) = {each.by for each in found.images}
    assert isinstance(user, Workload)
    assert (user.context, user.namespace, user.name) == ("prod", "shop", "web")
    assert f"{user.kind.lower()}s" == plural


async def test_every_field_of_a_pod_that_names_an_image(api: KubeApi) -> None:
    api.run(
        "pods",
        "web",
        "web",
        initContainers=[{"image": "init:2"}],
        ephemeralContainers=[{"image": "debug:3"}],
        volumes=[{"name": "a", "image": {"reference": "r.io/data:4"}}, {"name": "b", "emptyDir": {}}],
    )
    api.objects["pods"][0]["status"] = {
        "containerStatuses": [
            {"image": "r.io/no:no", "imageID": f"docker-pullable://r.io/web@{DIGEST}"},
            {"imageID": ""},
        ],
        "initContainerStatuses": [{"imageID": "docker://sha256:" + "cd" * 32}],
        "ephemeralContainerStatuses": [{"imageID": "r.io/debug@sha256:" + "ef" * 32}],
    }
    assert names(await ask(api)) == {
        "docker.io/library/web:latest",
        "docker.io/library/init:2",
        "docker.io/library/debug:3",
        "r.io/data:4",
        f"r.io/web@{DIGEST}",
        "@sha256:" + "cd" * 32,
        "r.io/debug@sha256:" + "ef" * 32,
    }


async def test_an_empty_cluster_is_empty(api: KubeApi) -> None:
    found = await ask(api)
    assert (found.images, found.skipped) == ((), ())
    assert {each.path.rpartition("/")[2] for each in api.asked} == set(PLURALS)
    assert {each.query["limit"] for each in api.asked} == {"500"}


async def test_every_page_is_read(api: KubeApi) -> None:
    api.page = 3
    for number in range(10):
        api.run("pods", f"p{number}", f"r.io/web:{number}")
    assert names(await ask(api)) == {f"r.io/web:{number}" for number in range(10)}
    asked = [each.query.get("continue") for each in api.asked if each.path.endswith("pods")]
    assert len(asked) == 4
    assert asked[0] is None
    assert all(asked[1:])


async def test_an_expired_list_begins_again(api: KubeApi) -> None:
    api.page, api.expire = 2, 3
    for number in range(5):
        api.run("pods", f"p{number}", f"r.io/web:{number}")
    assert names(await ask(api)) == {f"r.io/web:{number}" for number in range(5)}
    assert len([each for each in api.asked if each.path.endswith("pods")]) == 3 * 2 + 3


async def test_a_list_that_expires_for_ever_is_an_error(api: KubeApi) -> None:
    api.page, api.expire = 1, 1000
    api.run("pods", "a", "r.io/web:1")
    api.run("pods", "b", "r.io/web:2")
    with pytest.raises(IncompleteSource, match=r"list of pods in all namespaces expired 6 times") as caught:
        await ask(api)
    assert "--exclude-kube-context prod" in caught.value.what_to_do
    assert len([each for each in api.asked if each.path.endswith("pods")]) == 12


async def test_a_list_that_goes_in_circles_is_an_error(api: KubeApi) -> None:
    page = {"kind": "PodList", "metadata": {"continue": "again"}, "items": []}
    api.answers["pods"] = [web.json_response(page) for _ in range(5)]
    with pytest.raises(IncompleteSource, match="round in circles"):
        await ask(api)
    assert len(api.answers["pods"]) == 3


async def test_pages_without_an_object_are_counted(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_PAGES", 3)
    pages: list[dict[str, Any]] = [
        {"kind": "PodList", "metadata": {"continue": f"{number}"}, "items": []} for number in range(5)
    ]
    api.answers["pods"] = [web.json_response(page) for page in pages]
    with pytest.raises(IncompleteSource, match="more than 3 pages with nothing in them"):
        await ask(api)


async def test_pages_may_be_as_many_as_there_are_objects(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may make four large ones makes all pages of a list as short as that."""
    monkeypatch.setattr(listing, "_PAGES", 3)
    api.page = 1
    for number in range(5):
        api.run("pods", f"p{number}", f"r.io/web:{number}")
    assert len(names(await ask(api))) == 5


async def test_replies_are_capped(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "_LARGEST", 2000)
    api.run("pods", "p", "r.io/web:1", padding="x" * 3000)
    with pytest.raises(IncompleteSource, match="larger than 2000 bytes"):
        await ask(api)


async def test_large_objects_make_short_pages(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may make workloads may make hundreds of a megabyte each: no page of 500 was ever read."""
    monkeypatch.setattr(api_module, "_LARGEST", 5000)
    api.run("pods", "web", "r.io/web:1")
    for number in range(30):
        api.run("pods", f"p{number}", f"r.io/large:{number}", namespace="mallory", padding="x" * 1000)
    monkeypatch.setattr(listing, "_BRACES", 500)
    api.run("jobs", "job", "r.io/job:1", nothings=[{}] * 400)
    api.run("jobs", "job2", "r.io/job:2", nothings=[{}] * 400)
    assert len(names(await ask(api))) == 33
    asked = [each.query for each in api.asked if each.path.endswith("/pods")]
    assert [each["limit"] for each in asked if "continue" not in each] == ["500", "100", "20", "4"]
    assert {each["limit"] for each in asked if "continue" in each} == {"4"}


@pytest.mark.parametrize("field", ["containers", "volumes"])
async def test_a_page_of_millions_of_nothings(api: KubeApi, field: str) -> None:
    """They take a twentieth of the memory while they are only sent."""
    spec = b'{"metadata":{"name":"p"},"spec":{"containers":[],"%s":[' % field.encode() + b"{}," * 3_000_000 + b"{}]}}"
    body = b'{"kind":"PodList","metadata":{},"items":[' + spec + b"]}"
    api.answers["pods"] = [web.Response(body=body, content_type="application/json") for _ in range(5)]
    with pytest.raises(IncompleteSource, match="a page of its list of pods in all namespaces has more than 3,000,000"):
        await ask(api)


class Pages:
    """A server of large pages, and how much memory is held when each is asked for."""

    def __init__(self) -> None:
        self.held: list[int] = []

    async def get(self, _path: str, _query: Mapping[str, str]) -> Reply:
        self.held.append(tracemalloc.get_traced_memory()[0])
        after = b'"after %d"' % len(self.held) if len(self.held) < 3 else b'""'
        spec = b'{"containers":[%s{}]}' % (b"{}," * 50_000)
        page = b'{"kind":"PodList","metadata":{"continue":%s},"items":[{"metadata":{"name":"p"},"spec":%s}]}'
        url = URL("http://cluster.example.com/")
        return Reply(200, CIMultiDictProxy(CIMultiDict()), page % (after, spec), url, url)


async def test_no_page_is_held_while_the_next_one_is_waited_for() -> None:
    """Of four kinds at once, in four clusters, each of 32 MiB and a hundred times as much of what is read of it."""
    server = Pages()
    seen: list[Any] = []
    tracemalloc.start()
    try:
        await list_all(cast("ApiServer", server), KINDS[0], "", lambda each: seen.append(each.metadata.name))
    finally:
        tracemalloc.stop()
    assert seen == ["p"] * 3
    assert max(server.held) - server.held[0] < 100_000, server.held


class OneAtATime(Bodies):
    def __init__(self) -> None:
        super().__init__(room=1)
        self.inside = self.taken = self.most = 0

    @asynccontextmanager
    async def _take(self, size: int) -> AsyncIterator[None]:
        async with super()._take(size):
            self.inside += 1
            self.taken += 1
            self.most = max(self.most, self.inside)
            await anyio.lowlevel.checkpoint()
            yield
            self.inside -= 1


async def test_there_is_room_for_the_large_pages_of_all_clusters_together(
    api: KubeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each had room for two of 32 MiB."""
    bodies = OneAtATime()
    monkeypatch.setattr(reader, "Bodies", lambda: bodies, raising=False)
    for plural in PLURALS:
        api.run(plural, "large", "r.io/web:1", padding="x" * 100_000)
    config = kubeconfig(api.url, {"token": "good-token"})
    config["users"].append({"name": "v", "user": {"token": "good-token", "username": "another"}})
    config["contexts"].append({"name": "next", "context": {"cluster": "c", "user": "v"}})
    await read(parsed(config))
    assert (bodies.taken, bodies.most) == (2 * len(PLURALS), 1)


async def test_a_token_of_megabytes_becomes_no_address(api: KubeApi) -> None:
    """Which was made several times as long, and kept: 2 GB of four lists whose token had 7 MB each."""
    page = {"kind": "PodList", "metadata": {"continue": "%" * 65_537}, "items": []}
    api.answers["pods"] = [web.json_response(page)]
    with pytest.raises(IncompleteSource, match="pods in all namespaces goes on with a token of more than 65,536"):
        await ask(api)


@pytest.mark.parametrize(("name", "namespace"), [("x" * 1_001, ""), ("job", "x" * 1_001)])
async def test_names_of_workloads_without_bound_are_refused(api: KubeApi, name: str, namespace: str) -> None:
    """Those of three that use it are kept for each image."""
    api.run("jobs", name, "r.io/job:1", namespace=namespace)
    with pytest.raises(IncompleteSource, match="its list of jobs has a name of more than 1,000 characters"):
        await ask(api)


async def test_old_clusters_have_cron_jobs_in_beta(api: KubeApi) -> None:
    api.groups["cronjobs"] = "/apis/batch/v1beta1"
    api.page = 1
    api.run("cronjobs", "a", "r.io/nightly:1")
    api.run("cronjobs", "b", "r.io/nightly:2")
    assert names(await ask(api)) == {"r.io/nightly:1", "r.io/nightly:2"}


async def test_a_group_that_goes_in_the_middle_of_a_list_is_an_error(api: KubeApi) -> None:
    page = {"kind": "CronJobList", "metadata": {"continue": "more"}, "items": []}
    api.answers["cronjobs"] = [web.json_response(page), status(404, "NotFound", "gone")]
    with pytest.raises(IncompleteSource, match="cannot list cronjobs in all namespaces: 404 gone"):
        await ask(api)


@pytest.mark.parametrize("plural", ["cronjobs", "jobs"])
async def test_a_kind_that_is_not_served_is_an_error(api: KubeApi, plural: str) -> None:
    del api.groups[plural]
    with pytest.raises(IncompleteSource, match=rf"cannot list {plural} in all namespaces: 404 the server could not"):
        await ask(api)


@pytest.mark.parametrize("plural", PLURALS)
async def test_a_missing_right_is_named(api: KubeApi, plural: str) -> None:
    api.forbidden = {(plural, "")}
    with pytest.raises(Unauthorized) as caught:
        await ask(api)
    assert f"context prod: its user may not list {plural} in all namespaces: 403 {plural} is forbidden: User" in str(
        caught.value
    )
    advice = caught.value.what_to_do
    assert f"Grant it `list` on {plural} by a ClusterRole (docs/in-use.md has one to paste)" in advice
    assert "--scan-context-namespace-only" in advice
    assert advice.endswith("To go on without it: --exclude-kube-context prod.")


async def test_one_namespace_only(api: KubeApi) -> None:
    api.run("pods", "a", "r.io/web:1", namespace="shop")
    api.run("pods", "b", "r.io/web:2", namespace="other")
    api.forbidden = {(plural, "") for plural in PLURALS}
    config = parsed(kubeconfig(api.url, {"token": "good-token"}, {"namespace": "shop"}))
    assert names(await read(config, own_namespace=True)) == {"r.io/web:1"}
    assert "/apis/apps/v1/namespaces/shop/deployments" in {each.path for each in api.asked}


async def test_a_context_that_names_no_namespace_means_all(api: KubeApi) -> None:
    api.run("pods", "a", "r.io/web:1", namespace="default")
    api.run("pods", "b", "r.io/web:2", namespace="other")
    config = parsed(kubeconfig(api.url, {"token": "good-token"}))
    assert names(await read(config, own_namespace=True)) == {"r.io/web:1", "r.io/web:2"}


async def test_who_may_not_list_all_namespaces_is_told_to_name_one(api: KubeApi) -> None:
    api.forbidden = {("pods", "")}
    config = parsed(kubeconfig(api.url, {"token": "good-token"}))
    with pytest.raises(Unauthorized, match="may not list pods in all namespaces") as caught:
        await read(config, own_namespace=True)
    assert "kubectl config set-context prod --namespace=NAMESPACE" in caught.value.what_to_do
    assert "--scan-context-namespace-only" not in caught.value.what_to_do


async def test_a_missing_right_in_one_namespace(api: KubeApi) -> None:
    api.forbidden = {("jobs", "shop")}
    config = parsed(kubeconfig(api.url, {"token": "good-token"}, {"namespace": "shop"}))
    with pytest.raises(Unauthorized, match=r"may not list jobs in namespace shop: 403") as caught:
        await read(config, own_namespace=True)
    assert "by a Role in shop" in caught.value.what_to_do
    assert "--scan-context-namespace-only" not in caught.value.what_to_do


async def test_a_namespace_cannot_leave_the_path(api: KubeApi) -> None:
    config = parsed(kubeconfig(api.url, {"token": "good-token"}, {"namespace": "a/../../../api/v1/secrets?x="}))
    await read(config, own_namespace=True)
    assert not [each for each in api.asked if "x" in each.query]
    assert all(each.path.startswith(("/api/v1/namespaces/a/", "/apis/")) for each in api.asked)


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
async def test_a_passing_fault_passes(api: KubeApi, code: int) -> None:
    api.run("pods", "a", "r.io/web:1")
    api.answers["pods"] = [status(code, "Busy", "come back"), status(code, "Busy", "come back")]
    assert names(await ask(api)) == {"r.io/web:1"}


async def test_a_fault_that_stays_is_an_error(api: KubeApi) -> None:
    api.answers["pods"] = [status(500, "InternalError", "etcd is gone") for _ in range(20)]
    with pytest.raises(IncompleteSource, match=r"500 etcd is gone \(gave up after 6 attempts"):
        await ask(api)


@pytest.mark.parametrize("plural", PLURALS)
async def test_a_reply_that_breaks_off_is_no_list(api: KubeApi, plural: str) -> None:
    api.run(plural, "a", "r.io/web:1")
    api.cut = {plural: 1}
    assert names(await ask(api)) == {"r.io/web:1"}
    api.cut = {plural: 1000}
    with pytest.raises(IncompleteSource, match=r"context prod: the reply of .+ was cut short"):
        await ask(api)


async def test_slow_is_not_broken(api: KubeApi) -> None:
    api.slow = 0.05
    api.run("deployments", "a", "r.io/web:1")
    assert names(await ask(api)) == {"r.io/web:1"}


async def test_no_answer_in_time_is_an_error(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "REQUEST_TIMEOUT", 0.05)
    api.slow = 5
    with pytest.raises(Unreachable, match=r"context prod: no answer within 0\.05 s"):
        await ask(api)


async def test_nobody_there() -> None:
    with pytest.raises(Unreachable, match=r"context prod: 127\.0\.0\.1:1 cannot be reached") as caught:
        await read(parsed(kubeconfig("https://127.0.0.1:1", {})))
    assert "Check that it is well" in caught.value.what_to_do


POD: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"image": "r.io/web:1"}]}}


@pytest.mark.parametrize(
    "item",
    [
        {**POD, "spec": {}},
        {**POD, "spec": None},
        {"metadata": {"name": "p"}},
        {"spec": POD["spec"]},
        {**POD, "spec": {"containers": [{"image": 5}]}},
        {**POD, "spec": {"containers": {"image": "r.io/web:1"}}},
        {**POD, "spec": {"containers": ["r.io/web:1"]}},
        {**POD, "spec": {**POD["spec"], "initContainers": "none"}},
        {**POD, "status": {"containerStatuses": [{"imageID": ["a"]}]}},
        {**POD, "status": []},
        None,
        7,
    ],
)
async def test_a_bad_object_decides_nothing(api: KubeApi, item: Any) -> None:
    body = {"kind": "PodList", "metadata": {}, "items": [POD, item]}
    api.answers["pods"] = [web.json_response(body)]
    with pytest.raises(IncompleteSource, match="list of pods in all namespaces cannot be understood"):
        await ask(api)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Log in</html>",
        b"{}",
        b"[]",
        b'{"kind": "PodList", "metadata": {}}',
        b'{"kind": "PodList", "items": []}',
        b'{"kind": "SecretList", "metadata": {}, "items": []}',
        b'{"kind": "PodList", "metadata": {"continue": 5}, "items": []}',
        b'{"kind": "PodList", "metadata": {}, "items": [',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
async def test_a_list_that_is_none_decides_nothing(api: KubeApi, body: bytes) -> None:
    api.answers["pods"] = [web.Response(body=body, content_type="application/json")]
    with pytest.raises(IncompleteSource, match="list of pods in all namespaces"):
        await ask(api)


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(api: KubeApi, code: int) -> None:
    api.answers["pods"] = [web.Response(status=code, headers={"Location": f"{api.url}/api/v1/elsewhere"})]
    with pytest.raises(IncompleteSource, match=f"cannot list pods in all namespaces: {code}"):
        await ask(api)
    assert "/api/v1/elsewhere" not in {each.path for each in api.asked}


@pytest.mark.parametrize(
    ("word", "means"),
    [
        (f"docker-pullable://r.io/web@{DIGEST}", {f"r.io/web@{DIGEST}"}),
        (f"docker://{DIGEST}", {f"@{DIGEST}"}),
        (DIGEST, {f"@{DIGEST}"}),
        ("ab" * 32, {f"@{DIGEST}"}),  # CRI-O
        (f"containerd://{'ab' * 32}", {f"@{DIGEST}"}),
        (f"r.io/web@{DIGEST}", {f"r.io/web@{DIGEST}"}),
        (f"r.io/web:1@{DIGEST}", {f"r.io/web:1@{DIGEST}"}),
        (f"r.io/web@{'ab' * 32}", {f"r.io/web@{DIGEST}"}),
        (f"docker-pullable://<none>@{DIGEST}", {f"@{DIGEST}"}),
        (f"UPPER/Case@{DIGEST}", {f"@{DIGEST}"}),
        (DIGEST.upper(), {f"@{DIGEST}"}),
        ("sha512:" + "ab" * 64, {"@sha512:" + "ab" * 64}),
        (f"r.io/web@{DIGEST}, r.io/web:1 r.io/api:2", {f"r.io/web@{DIGEST}", "r.io/web:1", "r.io/api:2"}),
        ("r.io/web:1", {"r.io/web:1"}),
        ("", set()),
        ("  ", set()),
    ],
)
@pytest.mark.parametrize("kind", ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"])
async def test_whatever_a_runtime_calls_an_image(api: KubeApi, word: str, means: set[str], kind: str) -> None:
    api.run("pods", "web", "r.io/specified:1")
    api.objects["pods"][0]["status"] = {kind: [{"imageID": word}]}
    assert names(await ask(api)) == {"r.io/specified:1", *means}


@pytest.mark.parametrize(
    "word",
    [
        "r.io/web@sha256:12",
        "sha256:12",
        "0123456789ab",
        "ab" * 31,
        f"r.io/web@{'ab' * 31}",
        "r.io/web@sha384:" + "ab" * 48,
        "$(IMAGE)",
        "<none>",
        "docker://",
        "r.io/web:no good@",
    ],
)
async def test_what_runs_and_is_not_understood_decides_nothing(api: KubeApi, word: str) -> None:
    api.run("pods", "web", "r.io/specified:1", namespace="shop")
    api.objects["pods"][0]["status"] = {"containerStatuses": [{"imageID": word}]}
    with pytest.raises(
        IncompleteSource, match=r"context prod: Pod shop/web runs what its container runtime calls"
    ) as it:
        await ask(api)
    assert word.split()[-1] in str(it.value)
    assert "--exclude-kube-context prod" in it.value.what_to_do


async def test_words_that_name_no_image_are_skipped(api: KubeApi) -> None:
    api.run("deployments", "a", "$(IMAGE)", "r.io/web:1", "UPPER/Case:1", "", " ")
    found = await ask(api)
    assert names(found) == {"r.io/web:1"}
    assert found.skipped == ("$(IMAGE)", "UPPER/Case:1")


async def test_containers_may_be_null_or_without_an_image(api: KubeApi) -> None:
    api.add("deployments", {"metadata": {"name": "a"}, "spec": {"template": {"spec": {"containers": None}}}})
    api.add("deployments", {"metadata": {"name": "b"}, "spec": {"template": {"spec": {"containers": [{"name": "x"}]}}}})
    assert (await ask(api)).images == ()


async def test_of_ten_thousand_users_the_first_are_named(api: KubeApi) -> None:
    api.page = 2
    for name in "ebdac":
        api.run("pods", name, "r.io/web:1")
    assert [each.by.name for each in (await ask(api)).images if isinstance(each.by, Workload)] == ["a", "b", "c"]


async def test_a_path_before_the_api(api: KubeApi) -> None:
    """As with Rancher's proxy."""
    api.groups = {plural: f"/k8s/clusters/c-1{group}" for plural, group in api.groups.items()}
    api.run("pods", "a", "r.io/web:1")
    config = parsed(kubeconfig(f"{api.url}/k8s/clusters/c-1/", {"token": "good-token"}))
    assert names(await read(config)) == {"r.io/web:1"}


async def test_an_error_repeats_no_token(api: KubeApi) -> None:
    api.answers["pods"] = [status(403, "Forbidden", "who is good-token?")]
    with pytest.raises(Unauthorized) as caught:
        await ask(api)
    assert "who is ***?" in str(caught.value)


async def test_all_contexts_are_asked_and_the_same_only_once(api: KubeApi) -> None:
    async with KubeApi() as other:
        api.run("pods", "a", "r.io/web:1")
        other.run("pods", "b", "r.io/web:2")
        config = kubeconfig(api.url, {"token": "good-token"})
        config["clusters"].append({"name": "o", "cluster": {"server": other.url}})
        config["contexts"] += [
            {"name": "again", "context": {"cluster": "c", "user": "u", "namespace": "x"}},
            {"name": "other", "context": {"cluster": "o", "user": "u"}},
        ]
        found = await read(parsed(config))
    assert names(found) == {"r.io/web:1", "r.io/web:2"}
    assert len(api.asked) == len(other.asked) == 8
    assert {each.by.context for each in found.images if isinstance(each.by, Workload)} == {"again", "other"}


async def test_an_error_names_all_contexts_that_lead_there(api: KubeApi) -> None:
    api.forbidden = {("pods", "")}
    config = kubeconfig(api.url, {"token": "good-token"})
    config["contexts"].append({"name": "also", "context": {"cluster": "c", "user": "u"}})
    with pytest.raises(Unauthorized, match="contexts also and prod: its user") as caught:
        await read(parsed(config))
    assert "--exclude-kube-context also --exclude-kube-context prod" in caught.value.what_to_do


async def test_an_excluded_context_is_not_asked(api: KubeApi) -> None:
    config = kubeconfig(api.url, {"token": "good-token"})
    config["clusters"].append({"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}})
    config["contexts"].append({"name": "old", "context": {"cluster": "gone", "user": "u"}})
    with pytest.raises(Unreachable, match="context old"):
        await read(parsed(config))
    assert (await read(parsed(config), excluded=["old"])).images == ()


async def test_objects_are_counted(api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        api.run("pods", f"p{number}", f"r.io/a:{number}")
    whole = listing.list_all
    monkeypatch.setattr(reader, "list_all", partial(whole, most=4))
    assert len(names(await ask(api))) == 4
    monkeypatch.setattr(reader, "list_all", partial(whole, most=3))
    with pytest.raises(IncompleteSource, match="pods in all namespaces has more than 3 objects"):
        await ask(api)


async def test_words_without_bound_are_refused_and_told_whose_they_are(
    api: KubeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_DIFFERENT", 4)
    api.run("pods", "web", "r.io/web:1")
    for number in range(4):
        api.run("pods", f"p{number}", f"r.io/many:{number}", namespace="mallory")
    with pytest.raises(IncompleteSource, match="more than 4 different images, 4 of them in namespace mallory"):
        await ask(api)
    monkeypatch.setattr(reader, "_DIFFERENT", 100)
    monkeypatch.setattr(reader, "_LETTERS", 1000)
    api.run("pods", "long", f"r.io/{'x' * 995}", namespace="trudy")
    with pytest.raises(IncompleteSource, match="by more than 1,000 letters, 1 of them in namespace trudy"):
        await ask(api)
    api.objects["pods"].clear()
    api.run("deployments", "d", "x" * 20_000, namespace="mallory")
    with pytest.raises(IncompleteSource, match="Deployment mallory/d names an image by more than 16,384 characters"):
        await ask(api)


@pytest.mark.parametrize("separator", [",", " "])
async def test_names_in_one_image_id_are_counted_one_by_one(
    api: KubeApi, monkeypatch: pytest.MonkeyPatch, separator: str
) -> None:
    """Four megabytes of `a,a,a,…` took a gigabyte and two minutes in which nothing else could happen."""
    monkeypatch.setattr(reader, "_DIFFERENT", 2)
    api.run("pods", "web", "r.io/web:1")
    status = {"imageID": separator.join(["r.io/a", "r.io/b"] * 1000)}
    api.objects["pods"][0]["status"] = {"containerStatuses": [status]}
    assert names(await ask(api)) == {"r.io/web:1", "r.io/a:latest", "r.io/b:latest"}
    status["imageID"] += f"{separator}r.io/c"
    with pytest.raises(IncompleteSource, match="more than 2 different images"):
        await ask(api)
