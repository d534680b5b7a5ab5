import datetime as dt

import durationpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.policies.go_duration import HOUR, SECOND, parse_go_duration


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("-0", 0),
        ("168h", 168 * HOUR),
        ("1h30m", 90 * 60 * SECOND),
        ("1m1h", HOUR + 60 * SECOND),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("1.5h", HOUR * 3 // 2),
        ("0.3333333333333333333h", 1_199_999_999_999),
        ("5µs", 5_000),
        ("5μs", 5_000),
        ("5us", 5_000),
        ("1ms1ns", 1_000_001),
        ("+3s", 3 * SECOND),
        ("-3s", -3 * SECOND),
        ("9223372036854775807ns", 2**63 - 1),
    ],
)
def test_go_accepts(text: str, nanoseconds: int) -> None:
    assert parse_go_duration(text) == nanoseconds


REFUSED = """
3 - s . .s 1.2.3s 1d 1w 1y 2mm 1H --1s 1h-1m 1e3s ٣h 1h30
9223372036854775808ns 2562048h
"""


@pytest.mark.parametrize("text", ["", "1h 30m", " 1h", "1h\n", *REFUSED.split()])
def test_go_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        parse_go_duration(text)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 500), st.sampled_from(["h", "m", "s", "ms"])), min_size=1, max_size=4))
def test_agrees_with_durationpy_where_both_are_exact(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert durationpy.from_str(text) == dt.timedelta(microseconds=parse_go_duration(text) // 1000)
