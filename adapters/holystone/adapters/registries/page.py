"""Pages of vendors' APIs, decoded: not those of which each few bytes take dozens to keep."""

from typing import Final, TypeVar

import msgspec

T = TypeVar("T")

MOST_VALUES: Final = 1_000_000
"""Of one page, by its commas: a hundred of the largest manifests of indexes have a third. `{},` takes twenty times its
three bytes, in one go, before anybody can look how much memory the run has."""


def decoded_page(body: bytes, kind: type[T]) -> T:
    """Raises msgspec.DecodeError, also for more values than that, and what else msgspec raises."""
    if body.count(b",") > MOST_VALUES:
        raise msgspec.DecodeError(f"it has more than {MOST_VALUES:,} values")
    return msgspec.json.decode(body, type=kind)
