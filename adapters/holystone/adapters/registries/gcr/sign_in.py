"""Which credential is shown to Google: Docker's configuration first, then Application Default Credentials, then none.

The order is that of google/go-containerregistry:pkg/v1/google/keychain.go with Docker's configuration before it. Of the
Application Default Credentials (google-auth, google/auth/_default.py) gcloud's own login without
`gcloud auth application-default login` is no part: `gcloud auth configure-docker` puts it into Docker's configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final

from holystone.adapters.credentials.credential import Anonymous, Credential, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.files import read_file
from holystone.adapters.http.authorizer import Refresh
from holystone.adapters.http.hosts import host_of
from holystone.adapters.http.proxies import DIRECT
from holystone.adapters.http.wire import Wire
from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.gcr.access_tokens import AccessTokens, MetadataServer, Source
from holystone.adapters.registries.gcr.key_file import KeyFile
from holystone.adapters.registries.gcr.places import is_google
from holystone.engine.errors import UsageError

_USER: Final = "oauth2accesstoken"
_KEY_USERS: Final = {"_json_key": False, "_json_key_base64": True}
"""cloud.google.com/artifact-registry/docs/docker/authentication. True: the key is in base64."""
_VARIABLE: Final = "GOOGLE_APPLICATION_CREDENTIALS"
_CONNECTIONS: Final = 2
_LARGEST: Final = 1 << 20
"""Bytes of a credential file."""


@dataclass(frozen=True, slots=True)
class SignIn:
    registry: Credential
    renew: Refresh
    api: Credential | None
    """For the Artifact Registry API; None if it cannot be asked."""
    renew_api: Refresh


async def sign_in(endpoint: Endpoint) -> SignIn:
    """Chooses the credential. Raises UsageError for one that cannot be used."""
    wire = await endpoint.resources.enter_async_context(Wire(connections=_CONNECTIONS))
    docker = endpoint.docker
    if not isinstance(docker, Anonymous):
        return _by_docker(endpoint, wire, docker)
    # These are not bound to a host, so only Google's own may see them, or the one that the user calls its API.
    ours = is_google(endpoint.host) or (
        endpoint.api_url is not None and host_of(endpoint.api_url) == endpoint.host.removesuffix(":443")
    )
    direct = await endpoint.resources.enter_async_context(Wire(connections=_CONNECTIONS, proxy=DIRECT))
    source = await _default_credentials(wire, direct, endpoint.environ) if ours else None
    if source is None:
        nowhere = f"{docker.origin}, and no Application Default Credentials" if ours else docker.origin
        return SignIn(Anonymous(nowhere), endpoint.refresh_docker, None, endpoint.refresh_docker)
    tokens = AccessTokens(source)

    async def renew(refused: Credential) -> Credential:
        token = await tokens.get(_secret(refused))
        return UserPassword(_USER, token.secret, tokens.origin, token.renew_at)

    # Nothing is fetched before the first request, whose lane repeats it if need be.
    first = UserPassword(_USER, Secret(""), tokens.origin, renew_at=-inf)
    return SignIn(first, renew, *_bearer(tokens))


def _by_docker(endpoint: Endpoint, wire: Wire, docker: Credential) -> SignIn:
    async def renew_api(refused: Credential) -> Credential:
        return _as_bearer(await endpoint.refresh_docker(docker)) or refused

    api: tuple[Credential | None, Refresh] = (_as_bearer(docker), renew_api)
    if isinstance(docker, UserPassword) and docker.username in _KEY_USERS:
        try:
            key = KeyFile(wire, docker.password, docker.origin, base64_encoded=_KEY_USERS[docker.username])
            api = _bearer(AccessTokens(key))
        except UsageError:
            api = (None, renew_api)  # /v2 takes the key as it is; the API is only good to have
    return SignIn(docker, endpoint.refresh_docker, *api)


def _bearer(tokens: AccessTokens) -> tuple[Credential, Refresh]:
    async def renew(refused: Credential) -> Credential:
        token = await tokens.get(_secret(refused))
        return RegistryToken(token.secret, tokens.origin, token.renew_at)

    return RegistryToken(Secret(""), tokens.origin, renew_at=-inf), renew


def _as_bearer(docker: Credential) -> Credential | None:
    """What Google's helpers and `docker login -u oauth2accesstoken` give is an access token, whatever the user's name
    (docker-credential-gcloud: `_dcgcloud_token`)."""
    match docker:
        case UserPassword(_, token, origin) | RegistryToken(token, origin):
            return RegistryToken(token, origin)
        case _:
            return None


def _secret(credential: Credential) -> Secret:
    match credential:
        case UserPassword(_, secret, _) | RegistryToken(secret, _):
            return secret
        case _:
            return Secret("")


async def _default_credentials(wire: Wire, direct: Wire, environ: Mapping[str, str]) -> Source | None:
    """Google's application default credentials; None if there are none. `direct`: without a proxy, as Google's
    libraries ask a machine, since the proxy's own may have an identity, too. Raises UsageError if the named file cannot
    be used."""
    if named := environ.get(_VARIABLE):
        return _file(wire, Path(named), _VARIABLE)
    folder = _gcloud_folder(environ)
    if folder and (file := folder / "application_default_credentials.json").is_file():
        return _file(wire, file, str(file))
    host = environ.get("GCE_METADATA_HOST", "")
    machine = MetadataServer(direct, host)
    asked = environ.get("NO_GCE_CHECK", "").lower() != "true"
    return machine if host or (asked and await machine.is_there()) else None


def _gcloud_folder(environ: Mapping[str, str]) -> Path | None:
    if folder := environ.get("CLOUDSDK_CONFIG"):
        return Path(folder)
    if folder := environ.get("APPDATA"):
        return Path(folder, "gcloud")
    home = environ.get("HOME")
    return Path(home, ".config", "gcloud") if home else None


def _file(wire: Wire, file: Path, where: str) -> KeyFile:
    try:
        text = read_file(file, _LARGEST).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        problem = UsageError(f"{where}: the file {file} cannot be read: {why}.")
    else:
        return KeyFile(wire, Secret(text), where)
    # Outside of `except`: a decoding error holds the file's content.
    raise problem
