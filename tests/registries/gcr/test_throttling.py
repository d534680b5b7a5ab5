"""Google: replies that mean later."""

import json
from pathlib import Path

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.gcr.replies import classify
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Tag
from holystone.engine.scheduler import RateLimited, Transient
from tests.emulators.gcr import GoogleEmulator
from tests.registries.gcr.connected import connected, push


async def test_throttling_is_waited_out(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            served.throttle(2)
            assert (await session.list_tags()).tags.keys() == {"v1"}
            served.throttle(2)
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            assert served.throttled == 0


def test_every_way_to_say_later() -> None:
    def said(status: int, body: object, **headers: str) -> RateLimited | Transient | None:
        url = URL("https://eu.gcr.io/v2/")
        named = CIMultiDictProxy(CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}))
        return classify(Reply(status, named, json.dumps(body).encode(), url, url))

    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"}
    exhausted = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded", "details": [wait]}}
    later = said(429, exhausted)
    assert isinstance(later, RateLimited)
    assert later.after == 2.5
    assert "Quota exceeded" in later.reason
    later = said(429, {"errors": [{"code": "TOOMANYREQUESTS"}]}, Retry_After="7")
    assert isinstance(later, RateLimited)
    assert later.after == 7
    assert isinstance(said(403, {"errors": [{"code": "TOOMANYREQUESTS"}]}), RateLimited)
    assert isinstance(said(403, exhausted), RateLimited)
    assert isinstance(said(429, None), RateLimited)
    assert isinstance(said(499, {}), Transient)
    assert isinstance(said(522, {}), Transient)
    odd: object
    for odd in ([], {"error": "text"}, {"error": {"details": [1]}}, {"error": {"details": [{"retryDelay": "soon"}]}}):
        assert said(403, odd) is None
    assert said(200, exhausted) is None
