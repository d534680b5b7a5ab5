"""Part of the many alike things that a test tries one after another."""

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
SHARE = 3


class Sample(Protocol):
    """What to try out of all, in their order. Never nothing."""

    def __call__(self, every: Sequence[T], /) -> Sequence[T]: ...


def a_share(of: str) -> Sample:
    """One in SHARE, drawn by the test's name, so that tests which try the same things share them out."""

    def sample(every: Sequence[T], /) -> Sequence[T]:
        chosen = random.Random(of).sample(range(len(every)), -(-len(every) // SHARE))
        return [every[number] for number in sorted(chosen)]

    return sample


def everything(every: Sequence[T], /) -> Sequence[T]:
    return every
