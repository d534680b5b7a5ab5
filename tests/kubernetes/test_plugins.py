"""Exec plugins: real programs, in both versions of the protocol; bounded, and never shown."""

import base64
import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from holystone.adapters.kubernetes import plugin as plugin_module
from holystone.engine.errors import IncompleteSource, Unauthorized
from tests.emulators.kubernetes import KubeApi
from tests.kubernetes.conftest import ask, names
from tests.support.certificates import Authority
from tests.support.processes import child_of, gone

V1 = "client.authentication.k8s.io/v1"
BETA = "client.authentication.k8s.io/v1beta1"
ALPHA = "client.authentication.k8s.io/v1alpha1"
Plugins = Callable[..., dict[str, Any]]


def credential(version: str = V1, **status: str) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


@pytest.fixture
def plugin(tmp_path: Path) -> Plugins:
    """A user with a program that runs these lines of shell. It counts its runs in the file `runs`."""

    def make(script: str, version: str = V1, **fields: Any) -> dict[str, Any]:
        file = tmp_path / "plugin"
        file.write_text(f"#!/bin/sh\necho x >> {tmp_path}/runs\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return {"exec": {"apiVersion": version, "command": str(file), "args": None, "env": None, **fields}}

    return make


def runs(folder: Path) -> int:
    return (folder / "runs").read_text().count("x")


@pytest.mark.parametrize("version", [V1, BETA, ALPHA])
async def test_a_token(api: KubeApi, plugin: Plugins, tmp_path: Path, version: str) -> None:
    api.run("pods", "a", "r.io/web:1")
    found = await ask(api, plugin(f"echo '{credential(version, token='good-token')}'", version))
    assert names(found) == {"r.io/web:1"}
    assert runs(tmp_path) == 1, "one credential serves all lists"


async def test_a_certificate(authority: Authority, plugin: Plugins, tmp_path: Path) -> None:
    rob = authority.user("rob")
    answer = tmp_path / "answer.json"
    answer.write_text(credential(clientCertificateData=rob.certificate, clientKeyData=rob.key))
    async with KubeApi(authority.server_context(tmp_path)) as api:
        ca = base64.b64encode(authority.pem.encode()).decode()
        await ask(api, plugin(f"cat {answer}"), certificate_authority_data=ca)
        assert {(each.user, each.authorization) for each in api.asked} == {("rob", "")}


async def test_a_newer_certificate_after_a_401(authority: Authority, plugin: Plugins, tmp_path: Path) -> None:
    for name in ("eve", "rob"):
        pair = authority.user(name)
        text = credential(clientCertificateData=pair.certificate, clientKeyData=pair.key)
        (tmp_path / f"{name}.json").write_text(text)
    script = f"if [ $(wc -l < {tmp_path}/runs) = 1 ]; then cat {tmp_path}/eve.json; else cat {tmp_path}/rob.json; fi"
    async with KubeApi(authority.server_context(tmp_path)) as api:
        ca = base64.b64encode(authority.pem.encode()).decode()
        await ask(api, plugin(script), certificate_authority_data=ca)
        assert {each.user for each in api.asked} == {"", "rob"}
    assert runs(tmp_path) == 2


async def test_it_is_asked_once_more_after_a_401_by_all_together(api: KubeApi, plugin: Plugins, tmp_path: Path) -> None:
    first, second = credential(token="old-token"), credential(token="good-token")
    script = f"if [ $(wc -l < {tmp_path}/runs) = 1 ]; then echo '{first}'; else echo '{second}'; fi"
    api.run("pods", "a", "r.io/web:1")
    assert names(await ask(api, plugin(script))) == {"r.io/web:1"}
    assert runs(tmp_path) == 2


async def test_a_credential_that_is_refused_again_is_an_error(api: KubeApi, plugin: Plugins, tmp_path: Path) -> None:
    with pytest.raises(Unauthorized, match="it refuses its user") as caught:
        await ask(api, plugin(f"echo '{credential(token='stale-token')}'"))
    assert "stale-token" not in str(caught.value)
    assert runs(tmp_path) <= 8, "once more for each of the lists at most"


async def test_an_expired_credential_is_not_shown(api: KubeApi, plugin: Plugins, tmp_path: Path) -> None:
    old = credential(token="old-token", expirationTimestamp="2020-01-01T00:00:00Z")
    new = credential(token="good-token", expirationTimestamp="2999-01-01T00:00:00Z")
    script = f"if [ $(wc -l < {tmp_path}/runs) = 1 ]; then echo '{old}'; else echo '{new}'; fi"
    api.slow = 0.01
    await ask(api, plugin(script))
    assert [each.authorization for each in api.asked].count("Bearer old-token") <= 1
    assert runs(tmp_path) == 2


async def test_what_it_is_told(api: KubeApi, plugin: Plugins, tmp_path: Path) -> None:
    script = f"""echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/info
[ "$1 $2 $ROLE $PATH" = "get-token two words reader /usr/bin:/bin" ] || exit 9
cat
echo '{credential(token="good-token")}'"""
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x", "n": 1}}
    await ask(
        api,
        plugin(
            script,
            args=["get-token", "two words"],
            env=[{"name": "ROLE", "value": "reader"}],
            provideClusterInfo=True,
            interactiveMode="IfAvailable",
        ),
        extensions=[extension],
        tls_server_name="kube.example",
    )
    assert json.loads((tmp_path / "info").read_text()) == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {
            "interactive": False,
            "cluster": {"server": api.url, "tls-server-name": "kube.example", "config": {"audience": "x", "n": 1}},
        },
    }


async def test_the_cluster_is_named_only_if_it_shall_be(api: KubeApi, plugin: Plugins, tmp_path: Path) -> None:
    script = f"echo \"$KUBERNETES_EXEC_INFO\" > {tmp_path}/info; echo '{credential(token='good-token')}'"
    await ask(api, plugin(script))
    assert json.loads((tmp_path / "info").read_text())["spec"] == {"interactive": False}


async def test_a_relative_command_begins_at_the_kubeconfig(api: KubeApi, plugin: Plugins, tmp_path: Path) -> None:
    user = plugin(f"echo '{credential(token='good-token')}'", command="./plugin")
    await ask(api, user, tmp_path)
    assert runs(tmp_path) == 1


async def test_a_bare_command_is_looked_for_in_path(api: KubeApi, plugin: Plugins, tmp_path: Path) -> None:
    with pytest.raises(IncompleteSource, match="its exec plugin plugin is not there"):
        await ask(api, plugin("", command="plugin"), tmp_path)


async def test_a_missing_plugin_says_how_it_is_installed(api: KubeApi, plugin: Plugins) -> None:
    user = plugin("", command="kubelogin", installHint="See https://example.com/kubelogin")
    with pytest.raises(IncompleteSource, match=r"kubelogin is not there\. See https://example\.com/kubelogin"):
        await ask(api, user)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo secret-word; echo 'please log in' >&2; exit 3", r"failed \(exit status 3\): please log in"),
        ("echo secret-word; exit 1", r"failed \(exit status 1\)\."),
        ("echo secret-word", "did not answer with an ExecCredential of client.authentication.k8s.io/v1"),
        ("", "did not answer with an ExecCredential"),
        (f"echo '{credential(BETA, token='secret-word')}'", "did not answer with an ExecCredential"),
        (f"echo '{credential(token='secret-word').replace('ExecCredential', 'Secret')}'", "did not answer with"),
        (f"echo '{credential(clientCertificateData='secret-word')}'", "neither a token nor a certificate with its key"),
        (f"echo '{credential()}'", "neither a token nor a certificate"),
        ("yes secret-word", "printed more than 65536 bytes"),
        (f"echo '{credential(token='secret-word', expirationTimestamp='soon')}'", "did not answer with"),
        (f"echo '{credential(token='secret-word', expirationTimestamp='0001-01-01T00:00:00')}'", "did not answer with"),
    ],
)
async def test_plugins_that_fail(api: KubeApi, plugin: Plugins, script: str, says: str) -> None:
    with pytest.raises(IncompleteSource, match=says) as caught:
        await ask(api, plugin(script))
    assert "secret-word" not in str(caught.value)
    assert "context prod: its exec plugin plugin" in str(caught.value)
    assert api.asked == []


async def test_a_plugin_that_cannot_be_started(api: KubeApi, plugin: Plugins) -> None:
    user = plugin("", args=["a\0b"])
    with pytest.raises(IncompleteSource, match="cannot be started: embedded null byte"):
        await ask(api, user)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"version": "client.authentication.k8s.io/v2"}, "v2, and only client.authentication"),
        ({"version": ""}, "is to speak no apiVersion"),
        ({"interactiveMode": "Always"}, "wants a terminal"),
    ],
)
async def test_plugins_that_are_not_run(
    api: KubeApi, plugin: Plugins, tmp_path: Path, fields: dict[str, str], says: str
) -> None:
    with pytest.raises(IncompleteSource, match=says):
        await ask(api, plugin("", **fields))
    assert not (tmp_path / "runs").exists()


async def test_a_plugin_that_hangs_is_ended_with_its_children(
    api: KubeApi, plugin: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_module.ask_plugin, "__kwdefaults__", {"timeout": 2.0})
    begun = time.monotonic()
    with pytest.raises(IncompleteSource, match="did not answer within 2 s"):
        await ask(api, plugin(f"sleep 1000 & echo $! > {tmp_path}/child; wait"))
    assert time.monotonic() - begun < 30
    assert await gone(await child_of(tmp_path / "child"))


async def test_a_plugin_is_ended_when_the_run_is(api: KubeApi, plugin: Plugins, tmp_path: Path) -> None:
    user = plugin(f"sleep 1000 & echo $! > {tmp_path}/child; wait")
    async with anyio.create_task_group() as group:
        group.start_soon(ask, api, user)
        child = await child_of(tmp_path / "child")
        group.cancel_scope.cancel()
    assert await gone(child)


async def test_what_a_plugin_repeats_of_its_environment(api: KubeApi, plugin: Plugins) -> None:
    """A word that is no secret stays one that others may say."""
    env = [{"name": "CLOUD_TOKEN", "value": "the-clouds-token"}, {"name": "CLOUD_PROFILE", "value": "production"}]
    with pytest.raises(IncompleteSource, match=r"no \*\*\* for production") as caught:
        await ask(api, plugin('echo "no $CLOUD_TOKEN for $CLOUD_PROFILE" >&2; exit 1', env=env))
    assert "the-clouds-token" not in str(caught.value)


async def test_what_a_plugin_says_is_cut_through_no_secret(api: KubeApi, plugin: Plugins) -> None:
    """Of a long text the end is told, and it may begin in the middle of what the plugin was told."""
    env = [{"name": "CLOUD_TOKEN", "value": "even-shillings-and-a-parrot"}]
    with pytest.raises(IncompleteSource, match=r"exit status 1") as caught:
        await ask(api, plugin('printf "$CLOUD_TOKEN%0980d" 0 >&2; exit 1', env=env))
    assert "parrot" not in str(caught.value)
