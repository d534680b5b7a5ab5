"""Lists of workloads."""

from typing import Any, cast

from holystone.adapters.http.reply import Reply
from holystone.adapters.kubernetes.api import ApiServer
from holystone.adapters.kubernetes.listing import list_all
from holystone.adapters.kubernetes.objects import KINDS
from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.references import InvalidName
from holystone.engine.names import image_id_names, parse_image_id, parse_used_image
from tests.fuzz.scripted import Script, run

SEEDS = (
    b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1","continue":"x"},"items":[{"metadata":{"name":"p",'
    b'"namespace":"n","ownerReferences":[]},"spec":{"containers":[{"name":"c","image":"registry.example/team/app:v1"}],'
    b'"volumes":[{"image":{"reference":"a"}}]},"status":{"containerStatuses":[{"imageID":"docker-pullable://a@sha256:'
    + b"0" * 64
    + b'"}]}}]}\n%%\n{"kind":"PodList","metadata":{},"items":null}',
    b'{"kind":"DeploymentList","metadata":{},"items":[{"metadata":{"name":"d"},"spec":{"template":{"spec":{"containers":'
    b'[{"image":"a"}]}}}}]}',
    b'{"kind":"CronJobList","metadata":{},"items":[{"metadata":{"name":"d"},"spec":{"jobTemplate":{"spec":{"template":'
    b'{"spec":{"containers":[{"image":"a"}]}}}}}}]}',
    b'410\n\n{"kind":"Status","code":410,"reason":"Expired"}',
)


class _Server:
    def __init__(self, data: bytes) -> None:
        self._script = Script(data)

    async def get(self, path: str, _query: Any) -> Reply:
        return await self._script.get(path)


def _look(each: Any) -> None:
    by = ListEntry("list:1")
    running = (name for word in each.running() for name in image_id_names(word))
    for read, words in ((parse_used_image, each.images()), (parse_image_id, running)):
        for word in words:
            try:
                read(word, by)
            except InvalidName as error:
                str(error)


def parse(data: bytes) -> None:
    for kind in KINDS:
        run(list_all(cast("ApiServer", _Server(data)), kind, "", _look))
