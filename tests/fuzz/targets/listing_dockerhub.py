"""Docker Hub's list of tags."""

from holystone.adapters.registries.dockerhub.api import HubApi
from holystone.adapters.registries.dockerhub.listing import read_tags
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from tests.fuzz.scripted import LANE, Script, run

_ROW = b'{"name":"v1","digest":"sha256:' + b"0" * 64 + b'","tag_last_pushed":"2026-11-29T05:06:41.123456Z"}'
SEEDS = (
    b'{"count":1,"next":null,"previous":null,"results":[' + _ROW + b"]}",
    b'{"count":2,"next":"https://hub.docker.com/x?page=2","results":['
    + _ROW
    + b']}\n%%\n{"count":2,"next":null,"results":['
    + _ROW.replace(b"v1", b"v2")
    + b"]}",
)
HUB = Repository(RegistryHost("docker.io"), RepositoryPath("team/app"))


def parse(data: bytes) -> None:
    run(read_tags(HubApi(Script(data).http, LANE, who="nobody", login=None, useless=""), HUB))
