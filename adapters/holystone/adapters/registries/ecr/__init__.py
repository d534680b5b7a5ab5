"""Amazon ECR: images by AWS's own API, configurations by the OCI distribution API."""

from typing import Final

from holystone.adapters.registries.vendor import Vendor

_PUBLIC: Final = "ECR Public has an API of its own, which is not supported."

VENDOR: Final = Vendor(
    package=__name__,
    title="Amazon Elastic Container Registry (private)",
    # All partitions, and dual-stack hosts (awslabs/amazon-ecr-credential-helper, ecr-login/api/client.go).
    hosts=r"[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9][a-z0-9-]*\.(amazonaws\.(com|com\.cn|eu)|on\.aws|"
    r"on\.amazonwebservices\.com\.cn|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)",
    closed_hosts={"public.ecr.aws": _PUBLIC, "ecr-public.aws.com": _PUBLIC},
    # What is left by `docker login` can pull and push, and the helper of ECR finds no more than AWS's own chain.
    asks_docker=False,
)
