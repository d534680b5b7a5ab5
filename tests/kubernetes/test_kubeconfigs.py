"""Which configuration counts, what several files mean together, and which contexts are left."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from holystone.adapters import files as files_module
from holystone.adapters.credentials.reference import AsGiven
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.kubernetes.kubeconfig import KubeConfig, parse_config, read_files
from holystone.adapters.kubernetes.targets import choose_targets, find_config
from holystone.engine.errors import IncompleteSource, Refused, UsageError
from tests.emulators.kubernetes import KubeApi
from tests.kubernetes.conftest import kubeconfig, names, parsed, read


def write(file: Path, config: Mapping[str, Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(config))
    return file


def find(
    *files: Path,
    encoded: str | None = None,
    default: Path = Path("/nowhere/config"),
    environ: Mapping[str, str] | None = None,
    account: Path = Path("/nowhere"),
) -> KubeConfig:
    base64 = AsGiven(Secret(encoded), "--kube-config-base64") if encoded else None
    return find_config(files or None, base64, default, environ or {}, account)


def test_an_earlier_file_wins_entry_by_entry(tmp_path: Path) -> None:
    first = kubeconfig("https://one", {"token": "a"})
    second = kubeconfig("https://two", {"token": "b", "username": "rob"}, {"namespace": "x"})
    second["contexts"].append({"name": "dev", "context": {"cluster": "c", "user": "u"}})
    config = find(write(tmp_path / "a", first), tmp_path / "missing", write(tmp_path / "b", second))
    assert set(config.contexts) == {"prod", "dev"}
    assert config.clusters["c"].server == "https://one"
    assert (config.users["u"].token, config.users["u"].username) == (Secret("a"), "")
    assert config.contexts["prod"].namespace == ""


async def test_contexts_of_one_name_that_differ_are_both_asked(api: KubeApi, tmp_path: Path) -> None:
    """As of two k3s machines, which both say `default`."""
    async with KubeApi() as other:
        api.run("pods", "a", "r.io/web:1")
        other.run("pods", "b", "r.io/web:2")
        files = [
            write(tmp_path / name, kubeconfig(each.url, {"token": "good-token"}))
            for name, each in (("a", api), ("b", other))
        ]
        assert names(await read(find(*files))) == {"r.io/web:1", "r.io/web:2"}
        assert names(await read(find(*reversed(files)))) == {"r.io/web:1", "r.io/web:2"}
        other.forbidden = {("pods", "")}
        with pytest.raises(IncompleteSource, match=f"context prod of {files[1]}: its user may not list pods"):
            await read(find(*files))


def test_a_token_goes_to_no_other_cluster_than_the_one_beside_it(tmp_path: Path) -> None:
    one = write(tmp_path / "a", kubeconfig("https://one", {"token": "a"}))
    two = write(tmp_path / "b", kubeconfig("https://two", {"token": "b"}))
    asked = [(each.cluster, each.user) for each in choose_targets(find(one, two))]
    assert [(cluster and cluster.server, user and user.token) for cluster, user in asked] == [
        ("https://one", Secret("a")),
        ("https://two", Secret("b")),
    ]


@pytest.mark.parametrize(("kind", "entry"), [("cluster", {"server": "https://two"}), ("user", {"token": "b"})])
def test_a_name_of_which_it_cannot_be_told_what_it_means_is_refused(
    tmp_path: Path, kind: str, entry: dict[str, str]
) -> None:
    """werf asks the last file's, kubectl the first one's."""
    name = {"cluster": "c", "user": "u"}[kind]
    one = write(tmp_path / "a", kubeconfig("https://one", {"token": "a"}))
    two = write(tmp_path / "b", {f"{kind}s": [{"name": name, kind: entry}]})
    for files in ([one, two], [two, one]):
        with pytest.raises(IncompleteSource, match=f"context prod: its {kind} {name} is in") as caught:
            choose_targets(find(*files))
        assert str(one) in str(caught.value)
        assert str(two) in str(caught.value)
        assert "--exclude-kube-context prod" in caught.value.what_to_do


def test_two_files_for_a_third_ones_context(tmp_path: Path) -> None:
    whole = kubeconfig("https://one", {"token": "a"})
    parts = [write(tmp_path / key, {key: whole[key]}) for key in ("contexts", "users", "clusters")]
    (target,) = choose_targets(find(*parts))
    assert target.cluster
    assert target.cluster.server == "https://one"
    other = write(tmp_path / "other", {"clusters": [{"name": "c", "cluster": {"server": "https://two"}}]})
    with pytest.raises(IncompleteSource, match="its cluster c is in"):
        choose_targets(find(*parts, other))


def test_equal_entries_of_several_files_are_one(tmp_path: Path) -> None:
    files = [write(tmp_path / name, kubeconfig("https://one", {"token": "a"})) for name in "abc"]
    (target,) = choose_targets(find(*files))
    assert target.shown == "context prod"


def test_a_context_is_chosen_and_left_out_in_every_file(tmp_path: Path) -> None:
    one = write(tmp_path / "a", kubeconfig("https://one", {"token": "a"}))
    second = kubeconfig("https://two", {"token": "b"})
    second["contexts"].append({"name": "dev", "context": {"cluster": "c", "user": "u", "namespace": "x"}})
    config = find(one, write(tmp_path / "b", second))
    assert len(choose_targets(config, only="prod")) == 2
    (left,) = choose_targets(config, excluded=["prod"])
    assert (left.contexts, left.cluster and left.cluster.server) == (("dev",), "https://two")


def test_paths_begin_at_their_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = kubeconfig("https://one", {"client-certificate": "a.crt", "client-key": "/etc/a.key", "tokenFile": "t/t"})
    two = kubeconfig("https://two", {}, certificate_authority="ca.crt")
    two["clusters"][0]["name"] = "d"
    write(tmp_path / "one" / "config", one)
    write(tmp_path / "two" / "config", two)
    monkeypatch.chdir(tmp_path)
    config = find(Path("one/config"), Path("two/config"))
    user = config.users["u"]
    assert user.client_certificate == str(tmp_path / "one" / "a.crt")
    assert user.client_key == "/etc/a.key"
    assert user.token_file == str(tmp_path / "one" / "t" / "t")
    assert config.clusters["d"].certificate_authority == str(tmp_path / "two" / "ca.crt")


def test_nulls_and_an_empty_file_are_as_if_left_out(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    text = (
        "apiVersion: v1\nkind: Config\npreferences: {}\nusers: null\nclusters:\n- name: c\n  cluster: ~\n"
        "contexts:\n- name: a\n  context:\n    cluster: c\n    user:\n    namespace: null\n"
    )
    (tmp_path / "nulls").write_text(text)
    config = find(tmp_path / "empty", tmp_path / "nulls")
    assert (config.contexts["a"].cluster, config.contexts["a"].user) == ("c", "")
    assert config.clusters["c"].server == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("contexts: [", r"config:2:1: not YAML"),
        ("contexts: {a: b}", r"Expected `array`, got `object` - at `\$\.contexts`"),
        ("contexts: [{context: {}}]", "missing required field `name`"),
        ("users: [{name: u, user: {password: 1234}}]", "Expected `str`: put it in quotes"),
        ("users: [{name: u, user: {token: [hunter2]}}]", "Expected `str`"),
        ("users: [{name: u, user: {exec: {args: [a]}}}]", "missing required field `command`"),
        ("clusters: [{name: c, cluster: {insecure-skip-tls-verify: maybe}}]", "Expected `bool`, got `str`"),
        ("contexts: [{name: a}, {name: a}]", "has a twice"),
        ("a: b\n---\nc: d", "more than one document"),
        ("just words", "Expected `object`, got `str`"),
        ("a: 1\na: 2", "stands here twice"),
        ("\x00", "not YAML"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(IncompleteSource, match=says) as caught:
        find(tmp_path / "config")
    assert str(tmp_path / "config") in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "1234" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(IncompleteSource, match="cannot be read: Is a directory"):
        find(tmp_path)


def test_a_pipe_that_nobody_writes_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "config")
    with pytest.raises(IncompleteSource, match="config cannot be read: it is a pipe"):
        read_files([tmp_path / "config"])


def test_secrets_are_not_in_what_is_shown() -> None:
    user = {
        "token": "hunter2",
        "password": "hunter2",
        "client-key-data": "hunter2",
        "exec": {"command": "x", "env": [{"name": "A", "value": "hunter2"}]},
        "auth-provider": {"name": "oidc", "config": {"id-token": "hunter2"}},
    }
    assert "hunter2" not in repr(parsed(kubeconfig("https://one", user)))


def test_what_is_given_wins_over_the_default(tmp_path: Path) -> None:
    default = write(tmp_path / "default", kubeconfig("https://default", {}))
    given = write(tmp_path / "given", kubeconfig("https://given", {}))
    text = base64.encodebytes(json.dumps(kubeconfig("https://encoded", {})).encode()).decode()
    assert find(default=default).clusters["c"].server == "https://default"
    assert find(given, default=default).clusters["c"].server == "https://given"
    assert find(given, default=default, encoded=text).clusters["c"].server == "https://encoded"


@pytest.mark.parametrize("text", ["!", "c2VjcmV0x", "ü"])
def test_what_is_not_base64(text: str) -> None:
    with pytest.raises(UsageError, match=r"--kube-config-base64: it is not base64$") as caught:
        find(encoded=text)
    assert text not in str(caught.value).removeprefix("--kube-config-base64")


def test_base64_of_something_else() -> None:
    with pytest.raises(IncompleteSource, match="of --kube-config-base64"):
        find(encoded=base64.b64encode(b"words").decode())


def test_no_configuration_at_all(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No Kubernetes configuration was found") as caught:
        find(default=tmp_path / ".kube" / "config")
    assert str(tmp_path / ".kube" / "config") in str(caught.value)
    assert "--without-kube" in caught.value.what_to_do


def test_none_of_the_given_files(tmp_path: Path) -> None:
    default = write(tmp_path / "default", kubeconfig("https://default", {}))
    with pytest.raises(Refused, match="There is no kubeconfig at /no/a, /no/b") as caught:
        find(Path("/no/a"), Path("/no/b"), default=default)
    assert "--without-kube" in caught.value.what_to_do


def test_a_configuration_without_contexts(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has no contexts"):
        find(write(tmp_path / "config", {"contexts": None}))


@pytest.fixture
def account(tmp_path: Path) -> Path:
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("good-token\n")
    (folder / "namespace").write_text("shop\n")
    return folder


IN_POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def test_a_pods_own_cluster(account: Path, tmp_path: Path) -> None:
    config = find(environ=IN_POD, account=account)
    cluster = config.clusters["in-cluster"]
    assert (cluster.server, cluster.certificate_authority) == ("https://10.0.0.1:443", str(account / "ca.crt"))
    (target,) = choose_targets(config, own_namespace=True)
    assert target.namespace == "shop"
    six = find(environ={**IN_POD, "KUBERNETES_SERVICE_HOST": "fd00::1"}, account=account)
    assert six.clusters["in-cluster"].server == "https://[fd00::1]:443"
    empty = write(tmp_path / "config", {"contexts": []})
    assert set(find(default=empty, environ=IN_POD, account=account).contexts) == {"in-cluster"}
    full = write(tmp_path / "config", kubeconfig("https://one", {}))
    assert set(find(default=full, environ=IN_POD, account=account).contexts) == {"prod"}


def test_a_pod_without_a_token_is_no_cluster(tmp_path: Path) -> None:
    """automountServiceAccountToken: false."""
    with pytest.raises(Refused, match="No Kubernetes configuration was found"):
        find(environ=IN_POD, account=tmp_path)


async def test_a_pods_own_cluster_is_asked(account: Path, tmp_path: Path) -> None:
    from tests.support.certificates import Authority

    authority = Authority()
    (account / "ca.crt").write_text(authority.pem)
    async with KubeApi(authority.server_context(tmp_path)) as api:
        api.run("pods", "a", "r.io/web:1", namespace="shop")
        host, _, port = api.url.removeprefix("https://").partition(":")
        environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        assert names(await read(find(environ=environ, account=account))) == {"r.io/web:1"}
        assert {each.authorization for each in api.asked} == {"Bearer good-token"}


def three() -> KubeConfig:
    config = kubeconfig("https://one", {"token": "a"})
    config["contexts"] = [
        {"name": name, "context": {"cluster": "c", "user": "u", "namespace": namespace}}
        for name, namespace in (("b", "x"), ("a", "y"), ("c", "x"))
    ]
    return parsed(config)


def test_the_same_question_is_asked_once() -> None:
    (target,) = choose_targets(three())
    assert target.contexts == ("a", "b", "c")
    assert [each.contexts for each in choose_targets(three(), own_namespace=True)] == [("a",), ("b", "c")]
    assert [each.contexts for each in choose_targets(three(), only="b")] == [("b",)]
    assert [each.contexts for each in choose_targets(three(), excluded=["a"])] == [("b", "c")]


def test_another_user_is_another_question() -> None:
    config = kubeconfig("https://one", {"token": "a"})
    config["users"].append({"name": "v", "user": {"token": "b"}})
    config["contexts"].append({"name": "dev", "context": {"cluster": "c", "user": "v"}})
    assert len(choose_targets(parsed(config))) == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"only": "d"}, "--kube-context: there is no context 'd' in the Kubernetes configuration\nIt has a, b, c."),
        ({"excluded": ["a", "d"]}, "--exclude-kube-context: there is no context 'd'"),
        ({"excluded": ["a", "b", "c"]}, "leaves no context to ask\nIf that is meant, say --without-kube."),
        ({"only": "a", "excluded": ["a"]}, "leaves no context to ask"),
    ],
)
def test_wrong_contexts(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_targets(three(), **given)
    assert says in str(caught.value)


def test_numbers_of_contexts_are_cut_in_errors() -> None:
    config = {"contexts": [{"name": f"c{number:02}"} for number in range(20)]}
    with pytest.raises(UsageError, match=r"It has c00, .*c09, …\."):
        choose_targets(parsed(config), only="x")


def test_nothing_is_nothing() -> None:
    assert read_files([Path("/nowhere/a")]) is None
    assert parse_config(b"", "x", Path("/")) == KubeConfig()
