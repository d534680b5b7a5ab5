"""docs/registries.md says what the adapters declare."""

import subprocess
import sys
from pathlib import Path

import pytest

from holystone.adapters.registries.implementations import IMPLEMENTATIONS, VENDORS

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_adapters_declare(tmp_path: Path) -> None:
    made = tmp_path / "registries.md"
    subprocess.run([sys.executable, ROOT / "scripts/write-registries.py", made], check=True, cwd=ROOT)
    assert made.read_text() == (ROOT / "docs/registries.md").read_text(), "run `make registries`"


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_what_is_declared_is_of_this_registry(name: str) -> None:
    vendor, profile = VENDORS[name], VENDORS[name].profile
    assert vendor.name == profile.can.implementation == name
    assert vendor.title.strip()
    assert bool(vendor.recognizes) == bool(vendor.spoken)
    assert all(getattr(profile, field).strip() for field in ("hosts", "listing", "deletion", "credentials"))
    texts = [getattr(profile, field) for field in profile.__struct_fields__ if isinstance(getattr(profile, field), str)]
    assert not [text for text in texts if text.endswith(".")], "the page adds the full stop"


def test_the_names_stand_in_one_list() -> None:
    """Whoever adds a registry finds all other places by the guide."""
    spelled = ", ".join(f'"{name}"' for name in IMPLEMENTATIONS[:4])
    roots = [ROOT / each for each in ("adapters", "engine", "holystone", "policies")]
    found = [file.name for root in roots for file in root.rglob("*.py") if spelled in file.read_text()]
    assert found == ["implementations.py"]
