"""From what the user said to a registry: whose, where, and as whom."""

from typing import Final

from yarl import URL

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.registries.detection import is_vendors_own
from holystone.adapters.registries.ecr.api import EcrApi
from holystone.adapters.registries.ecr.errors import classify
from holystone.adapters.registries.ecr.hosts import EcrName
from holystone.adapters.registries.ecr.lanes import Lanes
from holystone.adapters.registries.ecr.login import RegistryLogin
from holystone.adapters.registries.ecr.registry import EcrRegistry
from holystone.adapters.registries.endpoint import Endpoint
from holystone.engine.errors import UsageError

_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL")
"""AWS SDKs and Tools Reference Guide, "Service-specific endpoints"."""


async def connect(endpoint: Endpoint) -> EcrRegistry:
    """Raises UsageError if there is no AWS credential, no region, or no package to deal with them, and for a host that
    must not be shown what AWS gives out for its own."""
    try:
        # Heavy, and needed for nothing else.
        from holystone.adapters.registries.ecr import identity as aws
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The registry {endpoint.host} is Amazon ECR, which needs the package {error.name}.",
            what_to_do="pip install 'holystone[ecr]'",
        ) from error
    name = EcrName.of(endpoint.host)
    configured = endpoint.api_url or _configured(endpoint)
    if name is None and configured is None:
        # AWS would give us a password for its registries, and we would send it there.
        raise UsageError(
            f"{endpoint.host} is no host of Amazon ECR, so AWS's credentials are not used for it.",
            what_to_do="If it leads there all the same, name the API by --repo-api-url or AWS_ENDPOINT_URL_ECR.",
        )
    if not (endpoint.vouched or is_vendors_own(endpoint.host, "ecr")):
        raise UsageError(
            f"Nobody but a plan or the journal says that {endpoint.host} is Amazon ECR, so AWS's credentials are not "
            "used for it: the password that AWS gives out for its registries would go there.",
            what_to_do="If it is, name it in --images-repo or --stages-storage, whichever it is, and add "
            "--repo-implementation ecr.",
        )
    identity = aws.AwsIdentity(endpoint.environ, name.region if name else None)
    await identity.find()
    at = configured or aws.endpoint(
        identity.region,
        fips=_switched(endpoint, "AWS_USE_FIPS_ENDPOINT") or bool(name and name.fips),
        dual_stack=_switched(endpoint, "AWS_USE_DUALSTACK_ENDPOINT") or bool(name and name.dual_stack),
    )
    whom = Anonymous(f"requests are signed: {identity.origin}")
    lanes = Lanes.of(endpoint.lane)
    api = EcrApi(
        await endpoint.http(at, whom, classify=classify, signer=identity),
        name.account if name else None,
        identity.origin,
    )
    http = await endpoint.http(endpoint.host, whom, signer=RegistryLogin(api))
    return EcrRegistry(endpoint.host, api, http, lanes)


def _configured(endpoint: Endpoint) -> URL | None:
    """The address of the API that AWS's own variables say. Raises UsageError for one that is none."""
    if _switched(endpoint, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        return None
    for variable in _ENDPOINTS:
        if text := endpoint.environ.get(variable):
            try:
                url = URL(text.rstrip("/"))
            except ValueError:
                url = URL()
            if url.scheme not in ("http", "https") or not url.host or url.user:
                raise UsageError(f"${variable} is not the address of an API.", what_to_do="Write https://HOST.")
            return url
    return None


def _switched(endpoint: Endpoint, variable: str) -> bool:
    return endpoint.environ.get(variable, "").lower() == "true"
