"""`Link` headers."""

import contextlib

from holystone.adapters.http.links import StrangeLink, parse_links
from holystone.adapters.http.paging import linked
from holystone.engine.errors import IncompleteSource
from tests.fuzz.scripted import reply_of

SEEDS = (
    b'</v2/team/app/tags/list?n=1000&last=b>; rel="next"',
    b"<https://registry.example:443/v2/team/app/tags/list?last=b>; title=\"a, b\"; rel='next last', <x>; rel=prev",
    b"http://registry.example/v2/team/app/tags/list?n=10&last=t009; rel=next",
    b'<//other.example/>;rel="next"',
    b"<?last=%2e%2e>",
)


def parse(data: bytes) -> None:
    with contextlib.suppress(StrangeLink):
        parse_links([data.decode("utf-8", "surrogateescape")])
    try:
        path = linked(reply_of(b"200\nLink: " + data.replace(b"\n", b" ") + b"\n\n"), "next")
        assert path is None or path.startswith("/")
    except IncompleteSource as error:
        str(error)
