"""Exec plugins: programs such as `aws eks get-token` that know a credential for a cluster.

Protocol: kubernetes.io, "Authenticating", client-go credential plugins (client.authentication.k8s.io).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from holystone.adapters.credentials.redaction import redacted, remember
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import opened_bytes
from holystone.adapters.http.reply import printable
from holystone.adapters.kubernetes.kubeconfig import Cluster, Plugin
from holystone.adapters.kubernetes.tls import ClientCertificate, authority
from holystone.adapters.programs import ProgramFailed, ProgramMissing, run_program
from holystone.engine.errors import IncompleteSource

_TELLING: Final = re.compile("key|pass|secret|token|credential", re.IGNORECASE)
"""Names of variables that hold a secret."""
TIMEOUT: Final = 60.0
"""Seconds: cloud CLIs are slow to start and may have to ask their cloud."""
_GROUP: Final = "client.authentication.k8s.io"
_VERSIONS: Final = (f"{_GROUP}/v1", f"{_GROUP}/v1beta1", f"{_GROUP}/v1alpha1")
"""The oldest, which kubectl dropped with 1.24, is what cloud CLIs wrote into kubeconfigs when werf 1.1 was new. Its
answers have the shape of v1beta1's (client-go 1.11 to 1.23, pkg/apis/clientauthentication/v1alpha1)."""
_CONFIG: Final = "client.authentication.k8s.io/exec"
"""The cluster's extension that is meant for plugins."""


@dataclass(frozen=True, slots=True)
class Granted:
    token: Secret | None
    certificate: ClientCertificate | None
    until: float = inf
    """Unix time."""


class _Status(msgspec.Struct, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _Credential(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    status: _Status


async def ask_plugin(
    plugin: Plugin, cluster: Cluster, environ: Mapping[str, str], *, timeout: float = TIMEOUT
) -> Granted:
    """Raises IncompleteSource. Of what the plugin printed only standard error is shown, and only if it failed: standard
    output is the secret."""
    name = f"its exec plugin {printable(Path(plugin.command).name, 60)}"
    _check(plugin, name)
    own = {each.name: opened_bytes(each.value).decode() for each in plugin.env}
    for each, value in own.items():
        if _TELLING.search(each):
            remember(value)
    told = {"KUBERNETES_EXEC_INFO": msgspec.json.encode(_question(plugin, cluster)).decode()}
    ended, trouble = None, ""
    try:
        ended = await run_program((plugin.command, *plugin.args), environ={**environ, **own, **told}, timeout=timeout)
    except ProgramMissing:
        trouble = f"is not there. {printable(plugin.install_hint, 300)}".strip()
    except ProgramFailed as error:
        trouble = str(error)
    if ended and ended.code:
        said = printable(redacted(ended.errors.decode("utf-8", "replace"))[-1000:], 300)
        trouble = f"failed (exit status {ended.code}){f': {said}' if said else ''}"
    answer = _decoded(ended.output) if ended and not trouble else None
    if answer is None or answer.kind != "ExecCredential" or answer.api_version != plugin.api_version:
        raise IncompleteSource(f"{name} {trouble or f'did not answer with an ExecCredential of {plugin.api_version}'}")
    return _granted(answer.status, name)


def _check(plugin: Plugin, name: str) -> None:
    if plugin.api_version not in _VERSIONS:
        raise IncompleteSource(
            f"{name} is to speak {printable(plugin.api_version) or 'no apiVersion'}, and only "
            f"{' and '.join(_VERSIONS)} are known"
        )
    if plugin.interactive_mode == "Always":
        raise IncompleteSource(f"{name} wants a terminal (interactiveMode: Always)")


def _question(plugin: Plugin, cluster: Cluster) -> Mapping[str, Any]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster_info:
        about: dict[str, Any] = {"server": cluster.server}
        if cluster.tls_server_name:
            about["tls-server-name"] = cluster.tls_server_name
        if cluster.insecure_skip_tls_verify:
            about["insecure-skip-tls-verify"] = True
        if pem := authority(cluster):
            about["certificate-authority-data"] = pem.encode()  # msgspec writes bytes in base64
        if cluster.proxy_url:
            about["proxy-url"] = cluster.proxy_url
        config = next((each.extension for each in cluster.extensions if each.name == _CONFIG), None)
        spec["cluster"] = about if config is None else {**about, "config": config}
    return {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}


def _decoded(output: bytes) -> _Credential | None:
    try:
        return msgspec.json.decode(output, type=_Credential)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _granted(status: _Status, name: str) -> Granted:
    certificate = None
    if status.client_certificate_data and status.client_key_data:
        certificate = ClientCertificate(status.client_certificate_data, Secret(status.client_key_data))
    if not status.token and certificate is None:
        raise IncompleteSource(f"{name} gave neither a token nor a certificate with its key")
    until = status.expiration_timestamp
    return Granted(
        Secret(status.token) if status.token else None, certificate, until.timestamp() if until is not None else inf
    )
