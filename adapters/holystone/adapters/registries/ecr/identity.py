"""Who asks AWS: the credential that its own chain finds, and the signature on each request.

Everything that needs AWS's packages is here. They are used for the chain, the signature and the names of endpoints
only: the service model that they bring along is older than archived images.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

import aiobotocore.credentials
import botocore
import botocore.credentials
from aiobotocore.credentials import AioEnvProvider, AioProcessProvider
from aiobotocore.session import AioSession
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import create_loader
from yarl import URL

from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import Authorization
from holystone.adapters.http.proxies import hides_metadata
from holystone.adapters.http.reply import Reply, printable
from holystone.adapters.http.signer import Outgoing
from holystone.adapters.programs import Ended, ProgramFailed, ProgramMissing, run_program
from holystone.adapters.registries.ecr.errors import error_of
from holystone.engine.errors import Unauthorized, UsageError

# botocore.auth writes what it signs to the debug log, session token included; and what cannot be renewed is a warning
# with a traceback, which says less than the error that follows it.
for _chatty in ("botocore", "aiobotocore"):
    logging.getLogger(_chatty).setLevel(logging.CRITICAL)

PROGRAM_TIMEOUT: Final = 60.0
"""Seconds for a credential_process, which may wait for somebody who is not there."""
_REGION: Final = re.compile("[a-z0-9][a-z0-9-]{0,62}")
_SIGNED: Final = ("Content-Type", "X-Amz-Target")
"""Besides the host and what the signature itself brings along."""
_TROUBLE: Final = (BotoCoreError, ClientError, OSError, ValueError, AttributeError)
"""Also a file of web identity that is not there, and what a credential_process says that is no JSON, or no object."""
_SESSION: Final = "X-Amz-Security-Token"
_EXPIRED: Final = frozenset({"ExpiredTokenException", "ExpiredToken"})
_SOURCES: Final[Mapping[str, str]] = {
    "env": "AWS_ACCESS_KEY_ID in the environment",
    "shared-credentials-file": "AWS's credentials file",
    "config-file": "AWS's configuration file",
    "assume-role": "a role that the AWS profile assumes",
    "assume-role-with-web-identity": "a role by web identity (AWS_ROLE_ARN)",
    "sso": "AWS single sign-on",
    "login": "'aws login'",
    "custom-process": "the AWS profile's credential_process",
    "container-role": "the container's AWS role",
    "iam-role": "the EC2 instance's role",
}
_ADVICE: Final = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE (after 'aws sso login' or 'aws login', if it "
    "needs one), or run where a role is attached. What 'docker login' left can pull and push, but neither list nor "
    "delete images."
)


class _Process:
    """A process with as much of asyncio's as aiobotocore asks of it."""

    def __init__(self, ended: Ended) -> None:
        self.returncode = ended.code
        self._said = ended.output, ended.errors

    async def communicate(self) -> tuple[bytes, bytes]:
        return self._said


async def _run(*words: str, **_: object) -> _Process:
    try:
        return _Process(await run_program(words, timeout=PROGRAM_TIMEOUT))
    except ProgramMissing as error:
        raise OSError(f"there is no program {words[0]}") from error
    except ProgramFailed as error:
        raise OSError(f"{words[0]} {error}") from error


class _ProcessProvider(AioProcessProvider):  # type: ignore[misc]
    """Runs the program of a profile's `credential_process`. aiobotocore's own waits for ever, at our terminal, and
    leaves the program behind."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, popen=_run, **more)


# Wherever a profile leads to one; there is no other way in.
aiobotocore.credentials.AioProcessProvider = _ProcessProvider


class AwsIdentity:
    """A signer. `environ` is where keys and the region are looked for first; the rest of the chain (profiles, roles)
    reads the environment of the process by itself."""

    def __init__(self, environ: Mapping[str, str], region: str | None) -> None:
        """`region`: where the registry's name says it. Raises UsageError if nothing does."""
        self._environ = environ
        self._credentials: Any = None
        named = region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
        self.region = named or _profile_region()
        if not _REGION.fullmatch(self.region):
            raise UsageError(f"{self.region!r} is not an AWS region.", what_to_do="Check AWS_REGION.")

    @property
    def origin(self) -> str:
        method = str(getattr(self._credentials, "method", ""))
        return _SOURCES.get(method, method or "nowhere")

    async def find(self) -> None:
        """Looks for a credential along AWS's chain. Raises UsageError if the chain ends without a credential."""
        try:
            self._credentials = await self._chain()
        except _TROUBLE as error:
            raise UsageError(f"AWS credentials cannot be had: {_said(error)}.", what_to_do=_ADVICE) from error
        if self._credentials is None:
            raise _too_new() or UsageError(
                "No AWS credentials were found.", what_to_do=f"{_ADVICE} {hides_metadata()}".strip()
            )

    async def sign(self, request: Outgoing) -> Authorization:
        """Raises Unauthorized if a credential that has to be renewed cannot be."""
        keys = await self._keys()
        signed = AWSRequest(
            method=request.method,
            url=str(request.url),
            headers={name: request.headers[name] for name in _SIGNED if name in request.headers},
            data=request.body or b"",
        )
        SigV4Auth(keys, "ecr", self.region).add_auth(signed)
        scheme, _, signature = signed.headers["Authorization"].partition(" ")
        headers: dict[str, str | Secret] = {"X-Amz-Date": signed.headers["X-Amz-Date"]}
        if keys.token:
            headers[_SESSION] = Secret(keys.token)
        return Authorization(scheme, Secret(signature), headers=headers)

    async def refused(self, used: Authorization, reply: Reply) -> bool:
        """True if there is something newer: tools that log people in write it into AWS's files. Only the first of many
        requests has to look."""
        error = error_of(reply)
        if error is None or error.code not in _EXPIRED:
            return False
        if await self._token() == used.headers.get(_SESSION):
            try:
                self._credentials = await self._chain() or self._credentials
            except _TROUBLE:
                return False
        return await self._token() != used.headers.get(_SESSION)

    async def _token(self) -> Secret | None:
        token = (await self._keys()).token
        return Secret(token) if token else None

    async def _keys(self) -> Any:
        try:
            return await self._credentials.get_frozen_credentials()
        except _TROUBLE as error:
            raise Unauthorized(
                f"The AWS credential ({self.origin}) cannot be renewed: {_said(error)}.", what_to_do=_ADVICE
            ) from error

    async def _chain(self) -> Any:
        credentials = await AioEnvProvider(environ=dict(self._environ)).load()
        if credentials is None:
            credentials = await self._session().get_credentials()
        return credentials

    def _session(self) -> AioSession:
        """Roles and single sign-on are asked in the region of the profile or the environment; where neither says one,
        in the registry's. botocore does not read AWS_REGION."""
        session = AioSession()
        region = self._environ.get("AWS_REGION") or session.get_config_variable("region") or self.region
        session.set_config_variable("region", region)
        roles = session.get_component("credential_provider").get_provider("assume-role")
        # Nobody is there to answer, and the wait would be for everybody.
        roles._prompter = _no_code  # noqa: SLF001 - there is no other way in
        return session

    def __repr__(self) -> str:
        return f"<AwsIdentity {self.region}, {self.origin}>"


def _said(error: Exception) -> str:
    return printable(str(error)).rstrip(".")


def _no_code(prompt: str) -> str:
    """Stands in place of a prompt for the code of a second factor."""
    raise UsageError(
        f"The AWS profile's role wants the code of a second factor ({printable(prompt).rstrip(': ')}).",
        what_to_do="Get a session first, by 'aws sso login', 'aws login' or 'aws sts get-session-token', and name its "
        "profile in AWS_PROFILE or its keys in the environment.",
    )


def _too_new() -> UsageError | None:
    """The error to raise if the profile is one of 'aws login' (AWS CLI 2.32): botocore passes over what it does not
    know."""
    try:
        session = AioSession().get_scoped_config().get("login_session")
    except BotoCoreError:
        return None  # told by whoever needs the profile
    if not session or hasattr(botocore.credentials, "LoginProvider"):
        return None
    return UsageError(
        f"The AWS profile is one of 'aws login', which botocore {botocore.__version__} does not know.",
        what_to_do="Run pip install 'aiobotocore>=3' awscrt, or use another way: 'aws sso login' with its profile in "
        "AWS_PROFILE, or a role's or user's keys in the environment.",
    )


def _profile_region() -> str:
    try:
        region = AioSession().get_config_variable("region")
    except BotoCoreError as error:
        raise UsageError(f"The AWS profile cannot be used: {_said(error)}.", what_to_do=_ADVICE) from error
    if not region:
        raise UsageError(
            "The AWS region is unknown: the registry's name does not say it.", what_to_do="Set AWS_REGION."
        )
    return str(region)


def endpoint(region: str, *, fips: bool, dual_stack: bool) -> URL:
    """Where ECR's API is, by AWS's own rules for the region's partition. Raises UsageError if there is none."""
    loader = create_loader()
    rules = EndpointProvider(
        loader.load_service_model("ecr", "endpoint-rule-set-1"), partition_data=loader.load_data("partitions")
    )
    try:
        return URL(rules.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual_stack).url)
    except BotoCoreError as error:
        raise UsageError(
            f"ECR has no such endpoint in {region}: {_said(error)}.",
            what_to_do="Name it by --repo-api-url or AWS_ENDPOINT_URL_ECR.",
        ) from error
