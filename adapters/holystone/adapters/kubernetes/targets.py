"""Which clusters are asked, as whom: the configuration that counts, and the contexts of it that are left."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import msgspec

from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import opened_bytes
from holystone.adapters.http.reply import printable
from holystone.adapters.kubernetes.kubeconfig import Cluster, Context, KubeConfig, User, parse_config, read_files
from holystone.adapters.kubernetes.tls import read_text
from holystone.engine.errors import Refused, UsageError

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
    """So with the user."""
    namespace: str

    @property
    def shown(self) -> str:
        names = " and ".join(printable(name) for name in self.contexts)
        return f"context{'s' if len(self.contexts) > 1 else ''} {names}"


def find_config(
    files: Collection[Path] | None,
    base64: Secret | None,
    default: Path,
    environ: Mapping[str, str],
    service_account: Path = SERVICE_ACCOUNT,
) -> KubeConfig:
    """What was given (the configuration itself before files), else `default`, else a pod's own cluster. Raises
    UsageError for what is not base64, IncompleteSource for a file that cannot be read, Refused where nothing is."""
    if base64:
        try:
            body = opened_bytes(base64, base64_encoded=True)
        except ValueError as error:
            raise UsageError(f"--kube-config-base64: {error}") from error
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
    """Contexts that ask the same of the same cluster as the same user are one target. Raises UsageError."""
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
            _add(targets, name, config, own_namespace=own_namespace)
    if not targets:
        raise UsageError(
            "--exclude-kube-context leaves no context to ask", what_to_do="If that is meant, say --without-kube."
        )
    return tuple(targets)


def _add(targets: list[Target], name: str, config: KubeConfig, *, own_namespace: bool) -> None:
    context = config.contexts[name]
    cluster, user = config.clusters.get(context.cluster), config.users.get(context.user)
    if not context.user:
        user = User()  # nobody in particular, as kubectl has it
    new = Target((name,), cluster, user, (context.namespace or "default") if own_namespace else "")
    for at, known in enumerate(targets):
        if cluster and user and msgspec.structs.replace(known, contexts=new.contexts) == new:
            targets[at] = msgspec.structs.replace(known, contexts=(*known.contexts, name))
            return
    targets.append(new)


def _own_cluster(environ: Mapping[str, str], folder: Path) -> KubeConfig | None:
    """kubernetes.io, "Accessing the Kubernetes API from a Pod"."""
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
