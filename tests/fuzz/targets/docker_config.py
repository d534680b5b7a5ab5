"""Docker's configuration."""

import logging

from holystone.adapters.credentials.docker_config import DockerConfig
from holystone.engine.errors import UsageError

logging.getLogger("holystone.adapters.credentials.docker_config").setLevel(logging.ERROR)
SEEDS = (
    b'{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6c2VjcmV0"},"registry.example/team":{"identitytoken":"t"},'
    b'"registry.example":{"username":"me","password":"secret"},"x":{"registrytoken":"r"}},"credHelpers":{"gcr.io":"gcloud"},'
    b'"credsStore":"desktop"}',
    b'{"auths":{"a":{"auth":"bWU="},"b":{}}}',
)


def parse(data: bytes) -> None:
    try:
        repr(DockerConfig._parse(data.decode("utf-8-sig"), "config.json"))
    except (UsageError, UnicodeDecodeError) as error:
        str(error)
