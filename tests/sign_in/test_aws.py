"""Amazon ECR with what AWS's own tools leave in ~/.aws and in the environment, and the real botocore.

STS and single sign-on are at AWS's own names, of the region that the registry's name says and of no other."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import botocore.credentials
import pytest
from aiohttp import web

from tests.emulators.ecr import ACCOUNT, BUCKET, CLEANER, READER, REGION, EcrEmulator
from tests.support.http_site import site
from tests.support.signed_in import Person, signed_in

pytestmark = pytest.mark.slow  # each a process of its own

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/cleaner"
LATER = "2099-01-01T00:00:00Z"
BASE = f"[profile base]\naws_access_key_id = {READER.id}\naws_secret_access_key = {READER.secret}\n"
SSO = f"""\
[profile mine]
sso_session = corp
sso_account_id = {ACCOUNT}
sso_role_name = Cleaner
[sso-session corp]
sso_region = {REGION}
sso_start_url = https://corp.awsapps.com/start
sso_registration_scopes = sso:account:access
"""


@dataclass
class Session:
    id: str = ""
    secret: str = ""
    token: str = ""

    def spelled(self, *names: str) -> dict[str, str]:
        return dict(zip(names, (self.id, self.secret, self.token), strict=True))


@dataclass
class Account:
    """AWS's other services, which give this session."""

    session: Session = field(default_factory=Session)
    denies: bool = False

    async def sts(self, request: web.Request) -> web.Response:
        form = await request.post()
        action = str(form["Action"])
        if self.denies:
            message = f"Not authorized to perform {action}: no trust"
            error = f"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{message}</Message></Error>"
            text = f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"
            return web.Response(status=403, content_type="text/xml", text=text)
        if action == "AssumeRoleWithWebIdentity":
            assert form["WebIdentityToken"] == "web.identity.token-of-the-job"
        else:
            assert f"Credential={READER.id}/" in request.headers["Authorization"]
        assert form["RoleArn"] == ROLE
        session = self.session.spelled("AccessKeyId", "SecretAccessKey", "SessionToken")
        given = "".join(f"<{name}>{value}</{name}>" for name, value in session.items())
        return web.Response(
            content_type="text/xml",
            text=f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>'
            f"{given}<Expiration>{LATER}</Expiration></Credentials></{action}Result>"
            f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>",
        )

    async def sso(self, request: web.Request) -> web.Response:
        assert request.path == "/federation/credentials"
        assert request.headers["x-amz-sso_bearer_token"] == "sso.access.token-of-rob"
        given = self.session.spelled("accessKeyId", "secretAccessKey", "sessionToken")
        return web.json_response({"roleCredentials": {**given, "expiration": 4_070_908_800_000}})

    async def container(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "token-of-the-pod"
        given = self.session.spelled("AccessKeyId", "SecretAccessKey", "Token")
        return web.json_response({**given, "Expiration": LATER})


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def rob(tmp_path: Path, account: Account) -> Iterator[Person]:
    ecr = EcrEmulator()
    others = {f"sts.{REGION}.amazonaws.com": account.sts, f"portal.sso.{REGION}.amazonaws.com": account.sso}
    with signed_in(tmp_path, ecr, HOST, f"api.ecr.{REGION}.amazonaws.com", BUCKET, others=others) as person:
        given = ecr.session_login().environ
        account.session = Session(
            *(given[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"))
        )
        person.secrets += [CLEANER.secret, READER.secret, account.session.secret, account.session.token]
        person.env["AWS_EC2_METADATA_DISABLED"] = "true"
        yield person


def configured(person: Person, text: str) -> None:
    person.leave(".aws/config", text)
    person.env["AWS_PROFILE"] = "mine"


@pytest.mark.exhaustive
def test_keys_in_the_environment(rob: Person) -> None:
    rob.env |= {"AWS_ACCESS_KEY_ID": CLEANER.id, "AWS_SECRET_ACCESS_KEY": CLEANER.secret}
    rob.cleans()


def test_keys_that_aws_configure_left(rob: Person) -> None:
    keys = f"aws_access_key_id = {CLEANER.id}\naws_secret_access_key = {CLEANER.secret}\n"
    rob.leave(".aws/credentials", f"[default]\n{keys}")
    rob.leave(".aws/config", "[default]\noutput = json\n")
    rob.deletes()


def test_a_role_is_asked_for_in_the_registrys_region(rob: Person) -> None:
    """No other region's STS is there."""
    configured(rob, f"{BASE}[profile mine]\nrole_arn = {ROLE}\nsource_profile = base\n")
    rob.cleans()


@pytest.mark.exhaustive
def test_a_role_that_is_refused(rob: Person, account: Account) -> None:
    configured(rob, f"{BASE}[profile mine]\nrole_arn = {ROLE}\nsource_profile = base\n")
    account.denies = True
    rob.is_told("a role that the AWS profile assumes", "no trust", "aws sso login")


def test_a_role_that_wants_a_second_factor(rob: Person) -> None:
    mfa = f"arn:aws:iam::{ACCOUNT}:mfa/rob"
    configured(rob, f"{BASE}[profile mine]\nrole_arn = {ROLE}\nsource_profile = base\nmfa_serial = {mfa}\n")
    rob.is_told("second factor", "mfa/rob", "aws sts get-session-token", code=2)


def test_the_web_identity_of_a_job(rob: Person) -> None:
    """As GitHub's action, GitLab's `id_tokens` and EKS leave it."""
    token = rob.leave("web-identity", "web.identity.token-of-the-job")
    rob.env |= {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ROLE, "AWS_REGION": REGION}
    rob.secrets.append("web.identity.token-of-the-job")
    rob.cleans()


def test_a_program_that_knows_the_keys(rob: Person, account: Account) -> None:
    session = account.session.spelled("AccessKeyId", "SecretAccessKey", "SessionToken")
    given = {"Version": 1, **session, "Expiration": LATER}
    rob.program("corp-keys", f"test \"$1\" = --for && echo '{json.dumps(given)}'")
    configured(rob, "[profile mine]\ncredential_process = corp-keys --for ecr\n")
    rob.cleans()


@pytest.mark.exhaustive
def test_a_program_that_wants_a_login(rob: Person) -> None:
    rob.program("corp-keys", "echo 'Please log in at https://corp.example' >&2; exit 1")
    configured(rob, "[profile mine]\ncredential_process = corp-keys --for ecr\n")
    rob.is_told("Please log in at https://corp.example", code=2)


def sso_token(person: Person, token: str, ends: str = LATER) -> None:
    """As `aws sso login` leaves it."""
    name = hashlib.sha1(b"corp", usedforsecurity=False).hexdigest()
    cached = {"startUrl": "https://corp.awsapps.com/start", "region": REGION, "accessToken": token, "expiresAt": ends}
    person.leave(f".aws/sso/cache/{name}.json", cached)
    person.secrets.append(token)


def test_single_sign_on(rob: Person) -> None:
    configured(rob, SSO)
    sso_token(rob, "sso.access.token-of-rob")
    rob.cleans()


@pytest.mark.exhaustive
def test_single_sign_on_that_has_ended(rob: Person) -> None:
    configured(rob, SSO)
    sso_token(rob, "sso.access.token-of-rob", "2026-01-01T00:00:00Z")
    rob.is_told("single sign-on|SSO", "aws sso login")


def test_the_role_of_a_container(rob: Person, account: Account) -> None:
    """Of ECS, and of EKS's Pod Identity, whose agent is at an address of the machine's own."""
    with rob.bench.portal.wrap_async_context_manager(site(account.container)) as agent:
        token = rob.leave("pod-identity", "token-of-the-pod")
        rob.env |= {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{agent.url}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
        }
        rob.secrets.append("token-of-the-pod")
        rob.cleans()


def test_aws_login(rob: Person, account: Account) -> None:
    """What AWS CLI 2.32 leaves in ~/.aws/login/cache. Whether it is known is a matter of botocore's version."""
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/rob"
    configured(rob, f"[profile mine]\nlogin_session = {session}\n")
    given = account.session.spelled("accessKeyId", "secretAccessKey", "sessionToken")
    token = {"tokenType": "aws_sigv4", "refreshToken": "r", "clientId": "c", "dpopKey": "k", "idToken": "i"}
    name = hashlib.sha256(session.encode()).hexdigest()
    cached = {**token, "accessToken": {**given, "accountId": ACCOUNT, "expiresAt": LATER}}
    rob.leave(f".aws/login/cache/{name}.json", cached)
    if hasattr(botocore.credentials, "LoginProvider"):
        rob.cleans()
    else:
        rob.is_told("'aws login'", r"botocore \d", "pip install 'aiobotocore>=3' awscrt", code=2)


def test_docker_login_alone(rob: Person) -> None:
    """The helper that AWS has for Docker is not even asked."""
    rob.program("docker-credential-ecr-login", f"touch {rob.home}/asked; echo locked; exit 1")
    rob.bench.docker_config(credHelpers={HOST: "ecr-login"}, auths={HOST: {"auth": "QVdTOnBhc3N3b3Jk"}})
    rob.is_told("No AWS credentials were found", "docker login", "AWS_PROFILE", "NO_PROXY", code=2)
    assert not (rob.home / "asked").exists()


@pytest.mark.exhaustive
def test_keys_that_may_not_delete(rob: Person) -> None:
    rob.env |= {"AWS_ACCESS_KEY_ID": READER.id, "AWS_SECRET_ACCESS_KEY": READER.secret}
    rob.is_told("ecr:BatchDeleteImage", code=1)
