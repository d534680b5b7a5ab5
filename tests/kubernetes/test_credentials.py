"""Who asks: tokens, files of tokens, passwords, certificates; and what is trusted."""

import base64
import contextlib
import ssl
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web

from holystone.adapters.kubernetes.api import ApiServer, base_url
from holystone.adapters.kubernetes.identity import ClusterIdentity
from holystone.adapters.kubernetes.kubeconfig import Cluster, User
from holystone.engine.errors import IncompleteSource, Unauthorized, Unreachable
from holystone.engine.scheduler import Scheduler
from tests.emulators.kubernetes import KubeApi
from tests.kubernetes.conftest import ask, kubeconfig, names, parsed, read
from tests.support.certificates import Authority


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_a_bad_token_is_an_error_and_is_not_shown(api: KubeApi) -> None:
    with pytest.raises(Unauthorized, match="context prod: it refuses its user: 401 Unauthorized") as caught:
        await ask(api, {"token": "stale-token"})
    assert "stale-token" not in str(caught.value)
    assert caught.value.what_to_do.startswith("Log in to it again;")


async def test_nobody_is_refused_too(api: KubeApi) -> None:
    with pytest.raises(Unauthorized):
        await ask(api, {})


async def test_a_token_file_is_read_without_its_newline_and_wins(api: KubeApi, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("good-token\n")
    await ask(api, {"tokenFile": "token", "token": "stale-token"}, tmp_path)
    assert {each.authorization for each in api.asked} == {"Bearer good-token"}


async def test_a_token_file_that_changes_is_read_again_after_a_401(api: KubeApi, tmp_path: Path) -> None:
    """Kubernetes replaces the token of a service account while a pod runs."""
    (tmp_path / "token").write_text("old-token")
    api.tokens = {"old-token": "rob"}
    api.page = 1
    for number in range(4):
        api.run("pods", f"p{number}", f"r.io/web:{number}")
    rotate = _Rotating(api, tmp_path / "token")
    api.tokens = rotate
    assert len((await ask(api, {"tokenFile": "token"}, tmp_path)).images) == 4
    assert rotate.rotated


class _Rotating(dict[str, str]):
    """Tokens of which the first is replaced after three requests."""

    def __init__(self, api: KubeApi, file: Path) -> None:
        super().__init__({"old-token": "rob"})
        self._api = api
        self._file = file
        self.rotated = False

    def get(self, key: str, default: Any = None) -> Any:
        if not self.rotated and len(self._api.asked) > 3:
            self.rotated = True
            self.clear()
            self["new-token"] = "rob"
            self._file.write_text("new-token")
        return super().get(key, default)


async def test_an_empty_or_missing_token_file(api: KubeApi, tmp_path: Path) -> None:
    with pytest.raises(IncompleteSource, match=r"token cannot be read: No such file"):
        await ask(api, {"tokenFile": "token"}, tmp_path)
    with pytest.raises(IncompleteSource, match="cannot be read: embedded null byte"):
        await ask(api, {"tokenFile": "to\0ken"}, tmp_path)
    (tmp_path / "token").write_text("\n")
    with pytest.raises(IncompleteSource, match=r"token is empty, and should hold a token"):
        await ask(api, {"tokenFile": "token"}, tmp_path)
    assert api.asked == []


async def test_user_and_password(api: KubeApi) -> None:
    api.tokens = {f"Basic {encoded('rob:pass:word')}": "rob"}
    await ask(api, {"username": "rob", "password": "pass:word"})
    assert {each.user for each in api.asked} == {"rob"}


@pytest.mark.parametrize("as_files", [True, False])
async def test_client_certificates(authority: Authority, tmp_path: Path, as_files: bool) -> None:
    pair = authority.user("rob")
    pair.write(tmp_path, "rob")
    (tmp_path / "ca.crt").write_text(authority.pem)
    async with KubeApi(authority.server_context(tmp_path)) as api:
        api.run("pods", "a", "r.io/web:1")
        if as_files:
            user = {"client-certificate": "rob.crt", "client-key": "rob.key"}
            found = await ask(api, user, tmp_path, certificate_authority="ca.crt")
        else:
            user = {"client-certificate-data": encoded(pair.certificate), "client-key-data": encoded(pair.key)}
            found = await ask(api, user, certificate_authority_data=encoded(authority.pem))
        assert names(found) == {"r.io/web:1"}
        assert {(each.user, each.authorization) for each in api.asked} == {("rob", "")}


async def test_data_wins_over_files(authority: Authority, tmp_path: Path) -> None:
    pair = authority.user("rob")
    Authority().user("eve").write(tmp_path, "eve")
    (tmp_path / "ca.crt").write_text(Authority().pem)
    async with KubeApi(authority.server_context(tmp_path)) as api:
        user = {
            "client-certificate": "eve.crt",
            "client-key": "eve.key",
            "client-certificate-data": encoded(pair.certificate),
            "client-key-data": encoded(pair.key),
        }
        await ask(
            api, user, tmp_path, certificate_authority="ca.crt", certificate_authority_data=encoded(authority.pem)
        )
        assert {each.user for each in api.asked} == {"rob"}


async def test_a_certificate_and_a_token_over_tls(authority: Authority, tmp_path: Path) -> None:
    async with KubeApi(authority.server_context(tmp_path)) as api:
        await ask(api, {"token": "good-token"}, certificate_authority_data=encoded(authority.pem))
        assert {each.authorization for each in api.asked} == {"Bearer good-token"}


async def test_a_server_that_is_not_trusted_sees_no_token(authority: Authority, tmp_path: Path) -> None:
    async with KubeApi(authority.server_context(tmp_path)) as api:
        others: tuple[dict[str, Any], ...] = ({}, {"certificate_authority_data": encoded(Authority().pem)})
        for trusted in others:
            with pytest.raises(Unreachable, match=r"context prod: The certificate of .+ is not trusted") as caught:
                await ask(api, {"token": "good-token"}, **trusted)
            assert "`certificate-authority` in the kubeconfig" in caught.value.what_to_do
            assert "registry" not in str(caught.value)
        assert api.asked == []


async def test_authorities_of_old_clusters_do_with_python_3_13(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It checks strictly by default, and their certificates have no key identifiers."""
    usual = ssl.create_default_context

    def strict(*args: Any, **more: Any) -> ssl.SSLContext:
        context = usual(*args, **more)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    async with KubeApi(authority.server_context(tmp_path)) as api:
        monkeypatch.setattr(ssl, "create_default_context", strict)
        await ask(api, {"token": "good-token"}, certificate_authority_data=encoded(authority.pem))
        assert api.asked


async def test_insecure_skip_tls_verify(authority: Authority, tmp_path: Path) -> None:
    async with KubeApi(authority.server_context(tmp_path, "elsewhere.example")) as api:
        await ask(api, {"token": "good-token"}, insecure_skip_tls_verify=True)
        assert api.asked


async def test_tls_server_name(authority: Authority, tmp_path: Path) -> None:
    async with KubeApi(authority.server_context(tmp_path, "kube.example")) as api:
        trusted: dict[str, Any] = {"certificate_authority_data": encoded(authority.pem)}
        with pytest.raises(Unreachable, match="not trusted"):
            await ask(api, {"token": "good-token"}, **trusted)
        await ask(api, {"token": "good-token"}, tls_server_name="kube.example", **trusted)
        assert api.asked


async def test_a_server_that_speaks_plain_http(api: KubeApi) -> None:
    with pytest.raises(Unreachable, match="does not speak https"):
        await read(parsed(kubeconfig(api.url.replace("http:", "https:"), {"token": "good-token"})))


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ({"client-certificate-data": "{cert}"}, "a client certificate without a key"),
        ({"client-certificate-data": "{cert}", "client-key-data": "{other}"}, "do not belong together"),
        ({"client-certificate-data": "{cert}", "client-key-data": "{locked}"}, "the key has a password"),
        ({"client-certificate-data": "{cert}", "client-key-data": "!!"}, "client-key-data cannot be used: it is not"),
        ({"client-certificate-data": "!!", "client-key-data": "{key}"}, "client-certificate-data is not base64"),
        ({"client-certificate-data": "aGk=", "client-key-data": "aGk="}, "are not PEM"),
        ({"client-certificate": "none.crt", "client-key-data": "{key}"}, r"none\.crt cannot be read"),
        ({"client-certificate-data": "{cert}", "client-key": "none.key"}, r"none\.key cannot be read"),
    ],
)
async def test_certificates_that_cannot_be_used(
    authority: Authority, tmp_path: Path, user: dict[str, str], says: str
) -> None:
    rob = authority.user("rob")
    texts = {
        "{cert}": encoded(rob.certificate),
        "{key}": encoded(rob.key),
        "{other}": encoded(authority.user("eve").key),
        "{locked}": encoded(authority.user("rob", "password").key),
    }
    given = {name: texts.get(value, value) for name, value in user.items()}
    async with KubeApi(authority.server_context(tmp_path)) as api:
        with pytest.raises(IncompleteSource, match=says):
            await ask(api, given, tmp_path, certificate_authority_data=encoded(authority.pem))
        assert api.asked == []


async def test_an_empty_authority_is_not_the_systems(api: KubeApi, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("\n")
    with pytest.raises(IncompleteSource, match="its certificate authority is empty"):
        await ask(api, None, tmp_path, certificate_authority="ca.crt")


async def test_an_authority_with_a_comment_in_any_language(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text(f"# TÜRKTRUST\n{authority.pem}")
    async with KubeApi(authority.server_context(tmp_path)) as api:
        api.run("pods", "web", "r.io/web:1")
        assert names(await ask(api, None, tmp_path, certificate_authority="ca.crt")) == {"r.io/web:1"}


@pytest.mark.parametrize("ca", ["!!", encoded("no certificate")])
async def test_an_authority_that_is_none(api: KubeApi, ca: str) -> None:
    with pytest.raises(IncompleteSource, match=r"certificate-authority-data is not|certificate authority is not"):
        await ask(api, certificate_authority_data=ca)


async def test_no_key_is_left_on_the_disk(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    pair = authority.user("rob")
    async with KubeApi(authority.server_context(tmp_path)) as api:
        user = {"client-certificate-data": encoded(pair.certificate), "client-key-data": encoded(pair.key)}
        await ask(api, user, certificate_authority_data=encoded(authority.pem))
    assert list(folder.iterdir()) == []


async def test_a_proxy(api: KubeApi) -> None:
    asked: list[tuple[str, str]] = []
    shown: list[str] = []

    async def forward(request: web.BaseRequest) -> web.Response:
        asked.append((str(request.url), request.headers.get("Proxy-Authorization", "")))
        shown.append(request.headers.get("Authorization", ""))
        kind = {"pods": "PodList", "jobs": "JobList", "cronjobs": "CronJobList"}
        plural = request.path.rpartition("/")[2]
        name = (
            kind.get(plural)
            or {
                "replicationcontrollers": "ReplicationControllerList",
                "deployments": "DeploymentList",
                "statefulsets": "StatefulSetList",
                "daemonsets": "DaemonSetList",
                "replicasets": "ReplicaSetList",
            }[plural]
        )
        return web.json_response({"kind": name, "metadata": {}, "items": []})

    server = web.ServerRunner(web.Server(forward))
    await server.setup()
    site = web.TCPSite(server, "127.0.0.1", 0)
    await site.start()
    port = server.addresses[0][1]
    try:
        config = kubeconfig("http://kube.example", {"token": "t"}, proxy_url=f"http://me:pw@127.0.0.1:{port}")
        await read(parsed(config))
    finally:
        await server.cleanup()
    assert len(asked) == 8
    assert {word for _, word in asked} == {f"Basic {encoded('me:pw')}"}
    assert all(url.startswith("http://kube.example/") for url, _ in asked)
    assert set(shown) == {""}, "in clear text nobody's credential leaves this machine"


async def test_who_may_not_be_shown_in_clear_text_is_told(tmp_path: Path) -> None:
    """As with kubectl, which runs no plugin for such a server either (client-go, clientcmd: ClientConfig)."""

    async def refuse(request: web.BaseRequest) -> web.Response:
        shown.append(request.headers.get("Authorization", ""))
        return web.Response(status=401)

    shown: list[str] = []
    server = web.ServerRunner(web.Server(refuse))
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    proxy = f"http://127.0.0.1:{server.addresses[0][1]}"
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/touch", "args": [str(tmp_path / "ran")]}
    try:
        for user in ({"token": "t"}, {"username": "rob", "password": "p"}, {"exec": plugin}):
            with pytest.raises(Unauthorized, match="nobody's is shown to a server that is asked by http") as raised:
                await read(parsed(kubeconfig("http://kube.example", user, proxy_url=proxy)))
            assert "https://" in raised.value.what_to_do
    finally:
        await server.cleanup()
    assert set(shown) == {""}
    assert not await anyio.Path(tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("server", "more", "says"),
    [
        ("", {}, "its server '' is not an address"),
        ("ftp://kube.example", {}, "not an address of http or https"),
        ("https://", {}, "is not an address"),
        ("https://a b", {}, "is not an address"),
        ("https://kube.example:port", {}, "is not an address"),
        ("http://me:s3cret@bad host/", {}, "its server 'http://…@bad host/' is not an address"),
        ("me:s3cret/@kube.example:port", {}, "its server '…@kube.example:port' is not an address"),
        ("ftp://me:s3cret@kube.example", {}, "its server 'ftp://…@kube.example' is not an address of http or https"),
        ("https://kube.example", {"proxy_url": "socks5://127.0.0.1:1"}, "its proxy-url is of the kind socks5"),
        ("https://kube.example", {"proxy_url": "proxy"}, "its proxy-url 'proxy' is not an address"),
        ("https://kube.example", {"proxy_url": "//me:s3cret@proxy:1"}, "its proxy-url '…@proxy:1' is not an address"),
        ("https://kube.example", {"proxy_url": "http://"}, "its proxy-url 'http://' is not an address"),
        ("https://kube.example", {"proxy_url": "http://[::1"}, "its proxy-url 'http://.::1' is not an address"),
    ],
)
async def test_addresses_that_are_none(server: str, more: dict[str, Any], says: str) -> None:
    with pytest.raises(IncompleteSource, match=says):
        await read(parsed(kubeconfig(server, {}, **more)))


@pytest.mark.parametrize(
    ("server", "at"),
    [
        ("https://[fd00::1]:443", "https://[fd00::1]"),
        ("https://[::1]:6443/k8s/", "https://[::1]:6443/k8s"),
        ("https://[fd00::1]", "https://[fd00::1]"),
        ("https://küche.example:6443", "https://xn--kche-0ra.example:6443"),
    ],
)
def test_addresses_of_pods_in_a_cluster_of_ipv6_and_others(server: str, at: str) -> None:
    cluster = Cluster(server)
    opened = ApiServer(cluster, ClusterIdentity(User(), cluster, {}), "prod", Scheduler())
    assert str(base_url(cluster)) == at
    assert opened._lane.key.host in at


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ({"auth-provider": {"name": "gcp", "config": {"access-token": "t"}}}, "auth-provider gcp, which kubectl has"),
        ({"auth-provider": {"name": "azure"}}, "auth-provider azure"),
        ({"auth-provider": {"name": "oidc", "config": {}}}, "oidc has no id-token: run kubectl once"),
        ({"token": "good-token", "as": "admin"}, "acts as another one"),
    ],
)
async def test_users_that_are_not_supported(api: KubeApi, user: dict[str, Any], says: str) -> None:
    with pytest.raises(IncompleteSource, match=says):
        await ask(api, user)
    assert api.asked == []


async def test_the_token_of_an_oidc_user(api: KubeApi) -> None:
    await ask(api, {"auth-provider": {"name": "oidc", "config": {"id-token": "good-token", "client-id": "x"}}})
    assert {each.authorization for each in api.asked} == {"Bearer good-token"}


@pytest.mark.parametrize(("field", "what"), [("cluster", "cluster"), ("user", "user")])
async def test_a_context_that_points_nowhere(api: KubeApi, field: str, what: str) -> None:
    config = kubeconfig(api.url, {"token": "good-token"}, {field: "gone"})
    with pytest.raises(IncompleteSource, match=f"context prod: its {what} is not in the Kubernetes configuration"):
        await read(parsed(config))


async def test_netrc_is_left_alone(api: KubeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    api.anonymous = True
    with contextlib.suppress(Unauthorized):
        await ask(api, {})
    assert {each.authorization for each in api.asked} == {""}
