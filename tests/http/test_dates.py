from types import SimpleNamespace

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from holystone.adapters.http import dates
from holystone.adapters.http.dates import Dates, Reading, date_of

THEN = 784_111_777
"""Of the examples in RFC 9110."""


def headers(*pairs: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(pairs))


@pytest.mark.parametrize(
    "text",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_all_forms_of_a_date(text: str) -> None:
    assert date_of(headers(("Date", text))) == THEN


@pytest.mark.parametrize(
    "text", ["", "now", "0", "784111777", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994", "\u0660", "1994-11-06"]
)
def test_what_is_no_date_says_nothing(text: str) -> None:
    assert date_of(headers(("Date", text))) is None
    assert date_of(headers()) is None


def test_a_reply_out_of_a_cache_does_not_tell_what_time_it_is() -> None:
    date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
    assert date_of(headers(date, ("Age", "86400"))) is None
    assert date_of(headers(date, ("Age", "soon"))) is None
    assert date_of(headers(date, ("Age", "0"))) == THEN


def test_two_dates_are_none() -> None:
    date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
    assert date_of(headers(date, ("Date", "Sun, 06 Nov 1994 08:49:38 GMT"))) is None
    assert date_of(headers(date, date)) == THEN


def test_the_nearest_of_a_host_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that tells no age hands out old dates between the true ones."""
    monkeypatch.setattr(dates, "time", SimpleNamespace(time=lambda: THEN + 4.9))
    seen = Dates()
    seen.saw("a", headers())
    assert seen.nearest == {"a": None}
    for text in ("Sun, 06 Nov 1994 06:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 07:00:00 GMT"):
        seen.saw("a", headers(("Date", text)))
    assert seen.nearest == {"a": Reading(THEN, THEN + 4)}
