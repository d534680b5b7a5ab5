"""Azure Container Registry with what Azure's own tools leave or offer, and the real azure-identity."""

import base64
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.emulators.acr import ADMIN, PASSWORD, READER, READER_PASSWORD, AcrEmulator
from tests.support.http_site import site
from tests.support.signed_in import Person, basic, signed_in

pytestmark = pytest.mark.slow  # each a process of its own

HOST, REGIONAL = "acme.azurecr.io", "acme.westeurope.geo.azurecr.io"
RESOURCE = "https://containerregistry.azure.net"
TENANT, CLIENT = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"
GUID = "00000000-0000-0000-0000-000000000000"


class Entra:
    """login.microsoftonline.com, and a machine's own endpoint: whoever comes with this secret gets a token."""

    def __init__(self, acr: AcrEmulator) -> None:
        self.acr = acr
        self.token = ""

    def issue(self) -> str:
        self.token = self.token or self.acr.entra_token()
        return self.token

    async def answer(self, request: web.Request) -> web.Response:
        form = await request.post()
        shown = form.get("client_secret") or form.get("client_assertion")
        if shown not in ("secret-of-the-principal", "federated.token-of-the-pod"):
            said = "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the secret value."
            return web.json_response({"error": "invalid_client", "error_description": said}, status=401)
        assert request.path == f"/{TENANT}/oauth2/v2.0/token"
        assert (form["client_id"], form["scope"]) == (CLIENT, f"{RESOURCE}/.default")
        return web.json_response({"token_type": "Bearer", "expires_in": 3599, "access_token": self.issue()})

    async def virtual_machine(self, request: web.Request) -> web.Response:
        assert (request.path, request.query["resource"]) == ("/metadata/identity/oauth2/token", RESOURCE)
        assert request.headers["Metadata"] == "true"
        return self._machines_token()

    async def machine(self, request: web.Request) -> web.Response:
        assert (request.query["resource"], request.headers["X-IDENTITY-HEADER"]) == (RESOURCE, "header-of-the-machine")
        return self._machines_token()

    def _machines_token(self) -> web.Response:
        ends = str(int(time.time()) + 3600)
        given = {"access_token": self.issue(), "expires_on": ends, "resource": RESOURCE, "token_type": "Bearer"}
        return web.json_response(given)


@pytest.fixture
def acr() -> AcrEmulator:
    return AcrEmulator()


@pytest.fixture
def entra(acr: AcrEmulator) -> Entra:
    return Entra(acr)


@pytest.fixture
def rob(tmp_path: Path, acr: AcrEmulator, entra: Entra) -> Iterator[Person]:
    with signed_in(tmp_path, acr, HOST, others={"login.microsoftonline.com": entra.answer}) as person:
        yield person


def az_login(rob: Person, entra: Entra) -> None:
    """A program that answers as `az` does, to the one question that azure-identity has
    (azure/identity/_credentials/azure_cli.py)."""
    ends = int(time.time()) + 3600
    moment = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(ends))
    given = {"accessToken": entra.issue(), "expiresOn": moment, "expires_on": ends, "tokenType": "Bearer"}
    asked = f"account get-access-token --output json --resource {RESOURCE}"
    rob.program("az", f"test \"$*\" = '{asked}' || exit 9\necho '{json.dumps(given)}'")
    rob.secrets.append(entra.token)


def test_the_admin_user(rob: Person) -> None:
    rob.bench.docker_config(auths={HOST: basic(ADMIN, PASSWORD)})
    rob.secrets.append(PASSWORD)
    rob.cleans()


@pytest.mark.exhaustive
def test_a_token_that_may_not_delete(rob: Person) -> None:
    rob.bench.docker_config(auths={HOST: basic(READER, READER_PASSWORD)})
    rob.secrets.append(READER_PASSWORD)
    rob.is_told(f"user '{READER}'", "AcrDelete", code=1)


def az_acr_login(rob: Person, acr: AcrEmulator) -> None:
    login = acr.az_login(identity_token=True)
    rob.secrets += login.secrets
    rob.bench.docker_config(**login.docker_config)


def test_az_acr_login(rob: Person, acr: AcrEmulator) -> None:
    az_acr_login(rob, acr)
    rob.deletes()


def ended_token() -> str:
    claims = {"exp": 1_760_000_000, "grant_type": "refresh_token"}
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{part}.signature-of-the-ended-one"


@pytest.mark.exhaustive
def test_az_acr_login_that_has_ended(rob: Person) -> None:
    token = ended_token()
    rob.bench.docker_config(auths={HOST: {**basic(GUID, ""), "identitytoken": token}})
    rob.secrets.append(token)
    rob.env["AZURE_TOKEN_CREDENTIALS"] = "AzureCliCredential"
    rob.is_told("az acr login' left", r"ended at 2025-10-09", "az acr login' again")


def test_az_acr_login_that_has_ended_and_az_login(rob: Person, entra: Entra) -> None:
    token = ended_token()
    rob.bench.docker_config(auths={HOST: {**basic(GUID, ""), "identitytoken": token}})
    rob.secrets.append(token)
    az_login(rob, entra)
    rob.env["AZURE_TOKEN_CREDENTIALS"] = "dev"
    rob.cleans()


def test_az_login(rob: Person, entra: Entra) -> None:
    az_login(rob, entra)
    rob.env["AZURE_TOKEN_CREDENTIALS"] = "dev"
    rob.cleans()


def test_az_login_behind_a_proxy(rob: Person, entra: Entra) -> None:
    """By the whole chain. The machine, which is none of Azure's, is asked without the proxy, whose answer would end the
    chain. (0.0.0.0 leads to this machine, and is no address that is never asked through a proxy.)"""
    az_login(rob, entra)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        rob.env["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = f"http://0.0.0.0:{nobody.getsockname()[1]}"
    rob.cleans()


@pytest.mark.exhaustive
def test_az_login_that_has_ended(rob: Person) -> None:
    said = "ERROR: AADSTS70043: The refresh token has expired or is invalid due to sign-in frequency checks."
    rob.program("az", f"echo '{said}' >&2; exit 1")
    rob.env["AZURE_TOKEN_CREDENTIALS"] = "dev"
    rob.secrets.append("nothing-to-hide")
    rob.is_told("AzureCliCredential.*AADSTS70043", "az login")


def principal(rob: Person, secret: str) -> None:
    rob.env |= {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": secret}
    rob.secrets.append(secret)


def test_a_service_principal_in_variables(rob: Person) -> None:
    principal(rob, "secret-of-the-principal")
    rob.cleans()


def test_a_companys_authority_under_python_3_13(rob: Person) -> None:
    """For Entra ID as for the registry."""
    principal(rob, "secret-of-the-principal")
    rob.has_python_3_13()
    rob.cleans()


@pytest.mark.exhaustive
def test_a_service_principal_whose_secret_is_wrong(rob: Person) -> None:
    principal(rob, "value-of-another-secret")
    rob.is_told("EnvironmentCredential.*AADSTS7000215", "AZURE_CLIENT_SECRET")


def test_the_workload_identity_of_a_pod(rob: Person) -> None:
    file = rob.leave("azure-identity-token", "federated.token-of-the-pod")
    rob.env |= {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_FEDERATED_TOKEN_FILE": str(file)}
    rob.secrets.append("federated.token-of-the-pod")
    rob.cleans()


def test_the_managed_identity_of_a_virtual_machine(rob: Person, entra: Entra) -> None:
    with rob.bench.portal.wrap_async_context_manager(site(entra.virtual_machine)) as machine:
        rob.env["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = f"http://0.0.0.0:{machine.url.rpartition(':')[2]}"
        rob.secrets.append(entra.issue())
        rob.cleans()


@pytest.mark.exhaustive
def test_the_managed_identity_of_an_app(rob: Person, entra: Entra) -> None:
    with rob.bench.portal.wrap_async_context_manager(site(entra.machine)) as machine:
        rob.env |= {"IDENTITY_ENDPOINT": f"{machine.url}/msi/token", "IDENTITY_HEADER": "header-of-the-machine"}
        rob.secrets.append("header-of-the-machine")
        rob.cleans()


def test_a_regional_endpoint(tmp_path: Path) -> None:
    """Which calls itself as the registry is called."""
    acr = AcrEmulator(service=HOST)
    entra = Entra(acr)
    with signed_in(tmp_path, acr, REGIONAL, HOST) as rob:
        az_login(rob, entra)
        rob.env["AZURE_TOKEN_CREDENTIALS"] = "AzureCliCredential"
        rob.cleans()
