"""Documents that somebody has tampered with."""

import json
from typing import Any

from hypothesis import strategies as st

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["", "../..", "\x1b[2J", "\ud800", "sha256:0", "A" * 5000])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2)
)


@st.composite
def tampered(draw: st.DrawFn, whole: bytes) -> bytes:
    """One place is another value, gone, or there twice; or some bytes are others."""
    if draw(st.integers(0, 4)) == 0:
        at, end = draw(st.integers(0, len(whole))), draw(st.integers(0, len(whole)))
        return whole[:at] + draw(st.binary(max_size=8) | st.sampled_from([b"NaN", b"[" * 5000, b"1e999"])) + whole[end:]
    document = json.loads(whole)
    holder, key = draw(st.sampled_from(list(_places(document))))
    match draw(st.sampled_from(["value", "gone", "more", "twice"])):
        case "value":
            holder[key] = draw(VALUES)
        case "gone":
            del holder[key]
        case "more" if isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = draw(VALUES)
        case "more":
            holder.insert(key, draw(VALUES))
        case "twice" if isinstance(holder, dict):
            return (
                json.dumps(document).replace(f'"{key}": ', f'"{key}": {json.dumps(draw(VALUES))}, "{key}": ').encode()
            )
        case "twice":
            holder.insert(key, holder[key])
    return json.dumps(document).encode()


def _places(value: Any) -> Any:
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])
