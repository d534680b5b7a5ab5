"""What an ECR registry's name says: whose it is, and where. The account and the region come from there and never from
the profile that happens to be set, so that registries of other accounts and regions are found."""

import re
from dataclasses import dataclass
from typing import Final, Self

from holystone.engine.model.references import RegistryHost

# awslabs/amazon-ecr-credential-helper, ecr-login/api/client.go
_NAME: Final = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9][a-z0-9-]*)\.(?P<suffix>[a-z0-9.-]+)"
)
_DUAL_STACK: Final = frozenset({"on.aws", "on.amazonwebservices.com.cn"})


@dataclass(frozen=True, slots=True)
class EcrName:
    account: str
    """Twelve digits: the `registryId` of every request."""
    region: str
    fips: bool
    dual_stack: bool

    @classmethod
    def of(cls, host: RegistryHost) -> Self | None:
        """What a host's name says; None for a host whose name says nothing: a domain of one's own in front of ECR, or a
        test's."""
        found = _NAME.fullmatch(host.partition(":")[0])
        if not found:
            return None
        return cls(found["account"], found["region"], bool(found["fips"]), found["suffix"] in _DUAL_STACK)
