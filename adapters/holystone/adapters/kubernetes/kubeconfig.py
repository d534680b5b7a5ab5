"""A kubeconfig as kubectl understands it: its fields, and what several files mean together.

Fields and merging: kubernetes.io, "kubeconfig (v1)" and "Organizing Cluster Access Using kubeconfig Files".
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from holystone.adapters.credentials.secret import MaybeSecret, Secret
from holystone.adapters.files import read_file
from holystone.adapters.http.reply import printable
from holystone.adapters.yaml.documents import MAX_BYTES, decode, parse_documents
from holystone.engine.errors import IncompleteSource, UsageError

_MEND: Final = "`kubectl config view` shows whether kubectl can read it; --kube-config names another one."
T = TypeVar("T")


class Extension(msgspec.Struct, frozen=True):
    name: str
    extension: Any = None


class Cluster(msgspec.Struct, frozen=True, rename="kebab"):
    server: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    certificate_authority: str = ""
    """A file; the data below wins."""
    certificate_authority_data: str = ""
    proxy_url: str = ""
    extensions: tuple[Extension, ...] = ()


class Variable(msgspec.Struct, frozen=True):
    name: str
    value: MaybeSecret


class Plugin(msgspec.Struct, frozen=True, rename="camel"):
    """`exec` of a user: a program that knows a credential."""

    command: str
    api_version: str = ""
    args: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""


class ProviderConfig(msgspec.Struct, frozen=True, rename="kebab"):
    id_token: Secret | None = None


class Provider(msgspec.Struct, frozen=True):
    name: str
    config: ProviderConfig = ProviderConfig()


class User(msgspec.Struct, frozen=True, rename="kebab"):
    client_certificate: str = ""
    """A file; the data below wins. So with the key."""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: Secret | None = None
    token: Secret | None = None
    token_file: str = msgspec.field(name="tokenFile", default="")
    """Wins over `token`."""
    username: str = ""
    password: Secret | None = None
    impersonates: str = msgspec.field(name="as", default="")
    exec: Plugin | None = None
    auth_provider: Provider | None = None


class Context(msgspec.Struct, frozen=True):
    cluster: str = ""
    user: str = ""
    namespace: str = ""


class KubeConfig(msgspec.Struct, frozen=True):
    contexts: Mapping[str, Context] = {}
    clusters: Mapping[str, Cluster] = {}
    users: Mapping[str, User] = {}
    source: str = ""
    """The file, where there are several."""
    files: tuple["KubeConfig", ...] = ()
    """Each of several files as it stands, the earliest first. Then the fields above are what kubectl makes of them: of
    two entries with one name the first counts, as a whole."""

    @property
    def parts(self) -> tuple["KubeConfig", ...]:
        """The files, one by one: what a name means may differ from file to file."""
        return self.files or (self,)


def merged(files: Sequence[KubeConfig]) -> KubeConfig:
    """One configuration of one or more files."""
    if len(files) == 1:
        return files[0]
    latest_first = files[::-1]
    return KubeConfig(
        contexts={name: each for file in latest_first for name, each in file.contexts.items()},
        clusters={name: each for file in latest_first for name, each in file.clusters.items()},
        users={name: each for file in latest_first for name, each in file.users.items()},
        files=tuple(files),
    )


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: Cluster = Cluster()


class _NamedUser(msgspec.Struct):
    name: str
    user: User = User()


class _NamedContext(msgspec.Struct):
    name: str
    context: Context = Context()


class _File(msgspec.Struct):
    clusters: list[_NamedCluster] = []
    users: list[_NamedUser] = []
    contexts: list[_NamedContext] = []


def read_files(files: Iterable[Path]) -> KubeConfig | None:
    """The files that exist, an earlier one over a later one; None if none of them does. Raises IncompleteSource."""
    found: list[KubeConfig] = []
    for file in files:
        try:
            body = read_file(file, MAX_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise IncompleteSource(
                f"The kubeconfig {file} cannot be read: {error.strerror}.", what_to_do=_MEND
            ) from error
        config = parse_config(body, str(file), file.absolute().parent)
        found.append(msgspec.structs.replace(config, source=str(file)))
    return merged(found) if found else None


def parse_config(body: bytes, source: str, folder: Path) -> KubeConfig:
    """The configuration in a file. `folder` is where relative paths begin. Raises IncompleteSource."""
    try:
        documents = parse_documents(decode(body, source), source)
    except UsageError as error:
        raise IncompleteSource(f"The kubeconfig {error.message}.", what_to_do=_MEND) from error
    if len(documents) > 1:
        raise IncompleteSource(f"The kubeconfig {source} has more than one document.", what_to_do=_MEND)
    wrong = ""
    file = _File()
    try:
        file = msgspec.convert(_filled(documents[0].plain() if documents else {}), _File, dec_hook=_secret)
    except msgspec.ValidationError as error:
        wrong = printable(str(error))
    if wrong:  # outside of `except`: that error's frames hold the values
        raise IncompleteSource(f"The kubeconfig {source} is not one: {wrong}.", what_to_do=_MEND)
    return KubeConfig(
        contexts=_by_name(source, ((each.name, each.context) for each in file.contexts)),
        clusters=_by_name(source, ((each.name, _cluster_in(folder, each.cluster)) for each in file.clusters)),
        users=_by_name(source, ((each.name, _user_in(folder, each.user)) for each in file.users)),
    )


def _filled(value: Any) -> Any:
    """The value without nulls: Go takes them for what is left out."""
    if isinstance(value, dict):
        return {key: _filled(each) for key, each in value.items() if each is not None}
    return [_filled(each) for each in value if each is not None] if isinstance(value, list) else value


def _secret(kind: type, value: Any) -> Any:
    if issubclass(kind, Secret) and isinstance(value, str):
        return kind(value)
    raise TypeError("Expected `str`: put it in quotes")  # without the value


def _by_name(source: str, entries: Iterable[tuple[str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    for name, entry in entries:
        if name in found:
            raise IncompleteSource(f"The kubeconfig {source} has {printable(name)} twice.", what_to_do=_MEND)
        found[name] = entry
    return found


def _cluster_in(folder: Path, cluster: Cluster) -> Cluster:
    return msgspec.structs.replace(cluster, certificate_authority=_in(folder, cluster.certificate_authority))


def _user_in(folder: Path, user: User) -> User:
    plugin = user.exec
    if plugin and "/" in plugin.command:  # a bare name is looked for in PATH
        plugin = msgspec.structs.replace(plugin, command=_in(folder, plugin.command))
    return msgspec.structs.replace(
        user,
        client_certificate=_in(folder, user.client_certificate),
        client_key=_in(folder, user.client_key),
        token_file=_in(folder, user.token_file),
        exec=plugin,
    )


def _in(folder: Path, path: str) -> str:
    return str(folder / path) if path else ""
