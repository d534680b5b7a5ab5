"""Amazon ECR: which account and region a name means, and where its API is."""

from pathlib import Path

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointResolutionError
from yarl import URL

from holystone.adapters.registries.ecr.hosts import EcrName
from holystone.adapters.registries.ecr.identity import endpoint
from holystone.engine.errors import UsageError
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import RegistryHost, Tag
from tests.emulators.ecr import ACCOUNT, REGION, EcrEmulator
from tests.registries.ecr.connected import connected, push


@pytest.mark.parametrize(
    ("host", "region", "kind", "at"),
    [
        ("dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1", "", "api.ecr.eu-west-1.amazonaws.com"),
        ("dkr.ecr-fips.us-east-1.amazonaws.com", "us-east-1", "fips", "ecr-fips.us-east-1.amazonaws.com"),
        ("dkr-ecr.eu-west-1.on.aws", "eu-west-1", "dual", "ecr.eu-west-1.api.aws"),
        ("dkr-ecr-fips.us-gov-west-1.on.aws", "us-gov-west-1", "fips dual", "ecr-fips.us-gov-west-1.api.aws"),
        ("dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1", "", "api.ecr.cn-north-1.amazonaws.com.cn"),
        (
            "dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
            "cn-north-1",
            "dual",
            "ecr.cn-north-1.api.amazonwebservices.com.cn",
        ),
        ("dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "", "api.ecr.eusc-de-east-1.amazonaws.eu"),
        ("dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "", "api.ecr.us-iso-east-1.c2s.ic.gov"),
    ],
)
def test_the_name_says_account_and_region_and_thereby_where_the_api_is(
    host: str, region: str, kind: str, at: str
) -> None:
    name = EcrName.of(RegistryHost.parse(f"123456789012.{host}"))
    assert name == EcrName("123456789012", region, "fips" in kind, "dual" in kind)
    found = endpoint(region, fips="fips" in kind, dual_stack="dual" in kind)
    assert found in (URL(f"https://{at}"), URL(f"https://api.{at}")), "botocore's rules give FIPS its `api.` since 1.41"


def test_names_that_say_nothing() -> None:
    for host in ("registry.example.com", "127.0.0.1:5000", "12345.dkr.ecr.eu-west-1.amazonaws.com"):
        assert EcrName.of(RegistryHost.parse(host)) is None


def test_an_endpoint_that_aws_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise EndpointResolutionError(msg="FIPS is enabled but this partition does not support FIPS")

    monkeypatch.setattr(EndpointProvider, "resolve_endpoint", refuse)
    with pytest.raises(UsageError, match="AWS_ENDPOINT_URL_ECR"):
        endpoint("us-east-1", fips=True, dual_stack=False)


async def test_account_and_region_of_the_name_win_over_the_profile(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        raw = push(served, "one", "v1")
        mine = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
        elsewhere = {"AWS_REGION": "us-east-1"}
        async with connected(served, tmp_path, host=mine, environ=elsewhere) as session:
            assert (await session.list_tags()).tags == {"v1": raw.digest}
            assert await session.read_manifests([raw.digest])
            assert await session.resolve(Tag("v1")) == raw.digest
            assert not (await session.probe()).forbidden
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert {fields["registryId"] for _, fields in served.calls} == {ACCOUNT}
        theirs = f"999988887777.dkr.ecr.{REGION}.amazonaws.com"
        async with connected(served, tmp_path, host=theirs) as session:
            assert not (await session.list_tags()).exists
        assert served.calls[-1][1]["registryId"] == "999988887777"


async def test_where_the_name_says_nothing_the_credential_s_own_account_is_meant(tmp_path: Path) -> None:
    async with EcrEmulator() as served, connected(served, tmp_path) as session:
        push(served, "one", "v1")
        await session.list_tags()
        assert "registryId" not in served.calls[-1][1]


async def test_the_api_s_address_by_aws_own_variables(tmp_path: Path) -> None:
    async with EcrEmulator() as served:
        raw = push(served, "one", "v1")
        for variable in ("AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL"):
            environ = {"HOLYSTONE_REPO_API_URL": "", variable: f"{served.url}/"}
            async with connected(served, tmp_path, environ=environ) as session:
                assert (await session.list_tags()).tags == {"v1": raw.digest}
        environ = {"HOLYSTONE_REPO_API_URL": "", "AWS_ENDPOINT_URL": "here"}
        with pytest.raises(UsageError, match="AWS_ENDPOINT_URL is not the address"):
            async with connected(served, tmp_path, environ=environ):
                pass
        environ |= {"AWS_ENDPOINT_URL": served.url, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
        with pytest.raises(UsageError, match="no host of Amazon ECR"):
            async with connected(served, tmp_path, environ=environ):
                pass
