"""Bodies of errors, `Retry-After`, rate limits and `Date`: what any server may say at any time."""

from multidict import CIMultiDict, CIMultiDictProxy

from holystone.adapters.http.dates import date_of
from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.rates import rate_hint, retry_after
from holystone.adapters.registries.default.servers import server
from holystone.adapters.registries.detection import recognize
from holystone.adapters.registries.fingerprint import read_fingerprint
from tests.fuzz.scripted import reply_of

SEEDS = (
    b'401\nDocker-Distribution-Api-Version: registry/2.0\n\n{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}',
    b"502\nRetry-After: 120\n\n<html><head><title>Bad Gateway</title></head></html>",
    b"429\nX-RateLimit-Remaining: 5\nX-RateLimit-Limit: 100;w=21600\nX-RateLimit-Reset: 1790000000\n\n{}",
    b'429\nRateLimit: "name";r=50;t=30\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\n\n',
    b"200\nDate: Sun, 29 Nov 2026 05:06:41 GMT\nAge: 0\n\n",
)


def parse(data: bytes) -> None:
    reply = reply_of(data)
    assert len(summary(reply)) <= 200
    assert summary(reply).isprintable()
    error_code(reply)
    wait = retry_after(reply.headers, 1.79e9)
    assert wait is None or wait >= 0
    rate_hint(reply.headers, 1.79e9)
    date_of(CIMultiDictProxy(CIMultiDict(reply.headers)))
    shown = read_fingerprint(reply)
    recognize(shown)
    server(shown)
