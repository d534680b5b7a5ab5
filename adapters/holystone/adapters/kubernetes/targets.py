"""Which clusters are asked, as whom: the configuration that counts, and the contexts of it that are left."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, overload

import msgspec

from holystone.adapters.credentials.reference import SecretReference, read_secret
from holystone.adapters.http.authorization import opened_bytes
from holystone.adapters.http.reply import printable
from holystone.adapters.kubernetes.kubeconfig import Cluster, Context, KubeConfig, User, parse_config, read_files
from holystone.adapters.kubernetes.tls import read_text
from holystone.engine.errors import IncompleteSource, Refused, UsageError, shell_word

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER: Final = "in-cluster"
"""The name of the one context of a pod's own cluster."""
_UNKNOWN: Final = "So it is not known which images are in use."
_ADVICE: Final = "Name one with --kube-config, or say --without-kube if no cluster runs these images."


class Target(msgspec.Struct, frozen=True):
    contexts: tuple[str, ...]
    """Names of all that lead there, sorted."""
    cluster: Cluster | None
    """None: the configuration has none of the name that the context says."""
    user: User | None
    """The user, by the same rule."""
    namespace: str
    """Empty: all."""
    narrowed: bool = False
    """Each context's own namespace would do, but these name none."""
    source: str = ""
    """The file, where several have different contexts of this name."""

    @property
    def shown(self) -> str:
        names = " and ".join(printable(name) for name in self.contexts)
        of = f" of {printable(self.source)}" if self.source else ""
        return f"context{'s' if len(self.contexts) > 1 else ''} {names}{of}"


def find_config(
    files: Collection[Path] | None,
    base64: SecretReference | None,
    default: Path,
    environ: Mapping[str, str],
    service_account: Path = SERVICE_ACCOUNT,
) -> KubeConfig:
    """What was given (the configuration itself before files), else `default`, else a pod's own cluster. Raises
    UsageError for what is not base64, IncompleteSource for a file that cannot be read, Refused where nothing is."""
    if base64:
        try:
            body = opened_bytes(read_secret(base64, environ), base64_encoded=True)
        except ValueError as error:
            raise UsageError(f"{base64.origin}: {error}") from error
        config: KubeConfig | None = parse_config(body, "of --kube-config-base64", Path.cwd())
    elif files is not None:
        config = read_files(files)
        if config is None:
            names = ", ".join(map(str, files))
            raise Refused(f"There is no kubeconfig at {names}. {_UNKNOWN}", what_to_do=_ADVICE)
    else:
        config = read_files([default])
        if config is None or not config.contexts:
            config = _own_cluster(environ, service_account) or config
    if config is None:
        raise Refused(
            f"No Kubernetes configuration was found: neither {default} nor a pod's own cluster. {_UNKNOWN}",
            what_to_do=_ADVICE,
        )
    if not config.contexts:
        raise Refused(f"The Kubernetes configuration has no contexts. {_UNKNOWN}", what_to_do=_ADVICE)
    return config


def choose_targets(
    config: KubeConfig, *, only: str | None = None, excluded: Collection[str] = (), own_namespace: bool = False
) -> tuple[Target, ...]:
    """Contexts that ask the same of the same cluster as the same user are one target; contexts of one name that differ
    from file to file are several. `own_namespace`: only the one that a context names; where it names none, all, as
    with kubectl's API and with werf 1.1 (seen with 1.1.36). Raises UsageError, IncompleteSource where it cannot be
    told which cluster or user a context means."""
    for option, names in (("--kube-context", (only,) if only else ()), ("--exclude-kube-context", excluded)):
        for name in names:
            if name not in config.contexts:
                known = ", ".join(printable(each) for each in sorted(config.contexts)[:10])
                raise UsageError(
                    f"{option}: there is no context {printable(name)!r} in the Kubernetes configuration",
                    what_to_do=f"It has {known}{', …' if len(config.contexts) > 10 else ''}.",
                )
    targets: list[Target] = []
    for name in sorted({only} if only else config.contexts):
        if name not in excluded:
            for target in _targets(name, config, own_namespace=own_namespace):
                _add(targets, target)
    if not targets:
        raise UsageError(
            "--exclude-kube-context leaves no context to ask", what_to_do="If that is meant, say --without-kube."
        )
    return tuple(targets)


def _targets(name: str, config: KubeConfig, *, own_namespace: bool) -> Iterator[Target]:
    """Kubectl takes the first file that has a name, and werf 1.1 the last one; so a cluster that only the other of them
    would ask is asked too. A file's own entries come first for its contexts: a token goes to no other cluster than the
    one it stands beside."""
    parts = [part for part in config.parts if name in part.contexts]
    for part in parts:
        context = part.contexts[name]
        cluster = _entry(config, part, name, "cluster", context.cluster)
        user = _entry(config, part, name, "user", context.user) if context.user else User()  # as kubectl has it
        namespace = context.namespace if own_namespace else ""
        source = part.source if len(parts) > 1 else ""
        yield Target((name,), cluster, user, namespace, own_namespace and not namespace, source)


def _add(targets: list[Target], new: Target) -> None:
    for at, known in enumerate(targets):
        if new.cluster and new.user and _question(known) == _question(new):
            names = tuple(dict.fromkeys((*known.contexts, *new.contexts)))
            targets[at] = msgspec.structs.replace(known, contexts=names, source="")
            return
    targets.append(new)


def _question(target: Target) -> tuple[Cluster | None, User | None, str]:
    return target.cluster, target.user, target.namespace


@overload
def _entry(
    config: KubeConfig, part: KubeConfig, context: str, kind: Literal["cluster"], name: str
) -> Cluster | None: ...
@overload
def _entry(config: KubeConfig, part: KubeConfig, context: str, kind: Literal["user"], name: str) -> User | None: ...
def _entry(
    config: KubeConfig, part: KubeConfig, context: str, kind: Literal["cluster", "user"], name: str
) -> Cluster | User | None:
    """What a context of `part` means by a cluster's or user's name; None if no file has it. Raises IncompleteSource if
    another file has a different one that may be meant as well: one that none of its own contexts leads to."""
    own = _table(part, kind).get(name)
    candidates = [
        each
        for each in config.parts
        if name in _table(each, kind) and (own is None or each is part or not _leads_to(each, kind, name))
    ]
    meant = own or (_table(candidates[0], kind)[name] if candidates else None)
    if any(_table(each, kind)[name] != meant for each in candidates):
        files = " and ".join(printable(each.source) for each in candidates)
        raise IncompleteSource(
            f"Images in use in Kubernetes cannot be read, context {printable(context)}: its {kind} "
            f"{printable(name)} is in {files}, and they differ: it cannot be told which one is meant.",
            what_to_do=f"Rename one of them, or name one file by --kube-config. To go on without it: "
            f"--exclude-kube-context {shell_word(context)}.",
        )
    return meant


def _table(part: KubeConfig, kind: Literal["cluster", "user"]) -> Mapping[str, Cluster] | Mapping[str, User]:
    return part.clusters if kind == "cluster" else part.users


def _leads_to(part: KubeConfig, kind: Literal["cluster", "user"], name: str) -> bool:
    return any((each.cluster if kind == "cluster" else each.user) == name for each in part.contexts.values())


def _own_cluster(environ: Mapping[str, str], folder: Path) -> KubeConfig | None:
    """The cluster that we run in, if we do. Source: kubernetes.io, "Accessing the Kubernetes API from a Pod"."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port or not (folder / "token").is_file():
        return None
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    file = folder / "namespace"
    namespace = read_text(str(file)).strip() if file.is_file() else ""
    return KubeConfig(
        contexts={IN_CLUSTER: Context(IN_CLUSTER, IN_CLUSTER, namespace)},
        clusters={IN_CLUSTER: Cluster(f"https://{authority}", certificate_authority=str(folder / "ca.crt"))},
        users={IN_CLUSTER: User(token_file=str(folder / "token"))},
    )
