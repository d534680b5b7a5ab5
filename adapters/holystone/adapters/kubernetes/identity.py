"""Who we are to a cluster, and what to show after it refused that."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

import anyio

from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import Authorization, basic, bearer
from holystone.adapters.http.reply import printable
from holystone.adapters.kubernetes.kubeconfig import Cluster, User
from holystone.adapters.kubernetes.plugin import ask_plugin
from holystone.adapters.kubernetes.tls import ClientCertificate, certificate_of, read_text
from holystone.engine.errors import IncompleteSource


@dataclass(frozen=True, slots=True, eq=False)
class ClusterCredentials:
    """What is shown to the cluster, one or both. Each is itself only."""

    authorization: Authorization | None
    certificate: ClientCertificate | None
    until: float = inf
    """Unix time."""


NOBODYS: Final = ClusterCredentials(None, None)


class ClusterIdentity:
    def __init__(
        self, user: User, cluster: Cluster, environ: Mapping[str, str], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._user = user
        self._cluster = cluster
        self._environ = environ
        self._clock = clock
        self._credentials: ClusterCredentials | None = None
        self._lock = anyio.Lock()

    async def credentials(self, refused: ClusterCredentials | None = None) -> ClusterCredentials:
        """The credentials that are good now. After a 401 the same ones again mean that there are no others: plugins are
        run and files read once more, and only for the first of many requests. Raises IncompleteSource."""
        async with self._lock:
            held = self._credentials
            if held is None or self._clock() >= held.until or (held is refused and self._changes):
                held = self._credentials = await self._obtain()
            return held

    @property
    def _changes(self) -> bool:
        return bool(self._user.exec or self._user.token_file)

    async def _obtain(self) -> ClusterCredentials:
        user = self._user
        _check(user)
        certificate = await anyio.to_thread.run_sync(certificate_of, user)
        if user.exec:
            granted = await ask_plugin(user.exec, self._cluster, self._environ)
            shown = bearer(granted.token) if granted.token else None
            return ClusterCredentials(shown, granted.certificate or certificate, granted.until)
        token = user.token
        if user.token_file:
            token = Secret((await anyio.to_thread.run_sync(read_text, user.token_file)).strip())
            if not token:
                raise IncompleteSource(f"{user.token_file} is empty, and should hold a token")
        if user.auth_provider:
            token = user.auth_provider.config.id_token
        if token:
            return ClusterCredentials(bearer(token), certificate)
        password = basic(user.username, user.password) if user.username and user.password else None
        return ClusterCredentials(password, certificate)


def _check(user: User) -> None:
    """What is left out on purpose. kubectl has no providers but oidc any more since 1.26; an oidc token is renewed by
    kubectl, since the new one has to be written into the kubeconfig."""
    provider = user.auth_provider
    if provider and (provider.name != "oidc" or not provider.config.id_token):
        raise IncompleteSource(
            f"its user signs in by the auth-provider {printable(provider.name)}, which kubectl has given up too: "
            "an exec plugin (gke-gcloud-auth-plugin, kubelogin) does that today"
            if provider.name != "oidc"
            else "its user's auth-provider oidc has no id-token: run kubectl once, which fetches one"
        )
    if user.impersonates:
        raise IncompleteSource("its user acts as another one (`as`), which Holystone does not do")
