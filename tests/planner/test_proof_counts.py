"""The work of the proof, counted: it grows as the repository does, not as its square."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from holystone.engine.model.capabilities import Capabilities, Cascade, LastTag, TagDeletion
from holystone.engine.model.plan import Pass, Remove, RepositoryPlan
from holystone.engine.planner.check import check_plan
from tests.support.gentle import gentle
from tests.support.manifest_graphs import DELETE, d, image, index, repository

MANY = 8_000
A_MANIFEST = 12
"""Looks at entries of a mapping, for each manifest and tag: a handful of passes over all, and a lookup or two."""


class Counted(dict[Any, Any]):
    """Fails as soon as it was looked at too often, as the square of what is there would take minutes."""

    looks = 0

    def _look(self) -> None:
        self.looks += 1
        assert self.looks <= A_MANIFEST * MANY, "the work grows faster than the repository"

    def __getitem__(self, key: Any) -> Any:
        self._look()
        return super().__getitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        self._look()
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._look()
        return super().__contains__(key)

    def __iter__(self) -> Iterator[Any]:
        for key in super().__iter__():
            self._look()
            yield key

    def keys(self) -> Any:
        return list(self)

    def values(self) -> Any:
        return [dict.__getitem__(self, key) for key in self]

    def items(self) -> Any:
        return [(key, dict.__getitem__(self, key)) for key in self]


TAKES_ALL = gentle("toy", cascade=Cascade(referrers=True, children=True))
COLLECTS = gentle("toy", tags=TagDeletion(LastTag("goes-unlisted")))


@pytest.mark.parametrize("can", [gentle("toy"), TAKES_ALL, COLLECTS])
def test_the_proof_looks_at_each_manifest_a_few_times(can: Capabilities) -> None:
    """Images, each with something that refers to it, and indexes of them; all of it goes."""
    pairs = range(0, MANY, 4)
    manifests = [image(n) for n in pairs]
    manifests += [image(n + 1, subject=n) for n in pairs]
    manifests += [image(n + 2) for n in pairs]
    manifests += [index(n + 3, n + 2) for n in pairs]
    tags = {f"v{n}": n for n in pairs} | {f"i{n}": n + 3 for n in pairs}
    there = repository(manifests, tags)
    tags_of = {at: (tag,) for tag, at in there.tags.items()}
    order = [d(n + each) for n in pairs for each in (0, 1, 3, 2)]
    removes = tuple(Remove(digest, "", 10, tags_of.get(digest, ()), DELETE.reasons) for digest in order)
    plan = RepositoryPlan(there.repository, "toy", (Pass("manifests", removes),), (), {})
    counted = msgspec.structs.replace(there, manifests=Counted(there.manifests), tags=Counted(there.tags))
    assert check_plan(counted, plan, can) == ()
    assert counted.manifests.looks >= MANY  # type: ignore[attr-defined]
