"""The tool itself: it makes mutants, and tells those that a test notices from those that none does."""

from pathlib import Path

from tests.mutants.bench import Bench, Measured, Tried
from tests.mutants.known import known, stale
from tests.mutants.operators import mutants
from tests.mutants.rooms import TOP

SHOP = """
LIMIT = 3
SIZE = 9


def larger(a: int, b: int) -> int:
    '''The larger one.'''
    def first() -> bool:
        return a > b

    return a if first() else b


def few(number: int) -> bool:
    if number == 7:
        raise ValueError("seven, by the way")
    return number < LIMIT


def forgotten() -> int:
    return 5
"""
SETTINGS = """
[pytest]
markers =
    exhaustive
    real
    real_size
"""
TESTS = """
import pathlib, sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import pytest
from shop import SIZE, few, larger


def test_larger():
    assert (larger(1, 2), larger(2, 1)) == (2, 2)


def test_few(tmp_path):
    (tmp_path / "mine").touch(exist_ok=False)
    assert few(2) and not few(3)


@pytest.mark.parametrize("size", [SIZE])
def test_named_after_its_size(size):
    assert few(2)


def test_size():
    assert SIZE == 9


def test_seven():
    with pytest.raises(ValueError):
        few(7)
"""


def test_what_no_test_notices_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "test_shop.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    made = mutants("shop.py", SHOP)
    bench = Bench(tmp_path, ("test_shop.py",), jobs=2, seed=1)
    measured, *tried = bench.try_out(made, every=4)
    assert isinstance(measured, Measured)
    assert measured.failed == []
    changed = {each.mutant.change: each.by for each in tried if isinstance(each, Tried) and each.changed}
    missed = {change for change, by in changed.items() if not by}
    assert missed == {"a > b → a >= b", "return 5 → return None", "5 → 6"}
    assert changed["3 → 4"] == "test_shop.py::test_few"
    assert changed["9 → 10"] == "test_shop.py::test_size"
    assert changed["first() → False"] == "test_shop.py::test_larger"
    assert {"7 → 8", "number == 7 → True", "raise ValueError('seven, by the way') → pass"} < changed.keys()
    assert len(changed) == len(made) == 16
    controls = [each.by for each in tried if isinstance(each, Tried) and not each.changed]
    assert controls == [""] * 4


def test_what_is_listed_is_made_and_has_a_reason() -> None:
    listed = known()
    modules = {each.module for each in listed}
    made = [mutant for module in modules for mutant in mutants(module, (TOP / module).read_text())]
    assert stale(listed, made) == []
    assert all(len(each.why) > 10 for each in listed)
