"""What only one cloud needs is loaded only for it, and its absence is one clear message."""

import subprocess
import sys

import pytest

from holystone.adapters.registries.implementations import IMPLEMENTATIONS

HEAVY = ("aiobotocore", "botocore", "azure", "google.auth")


def python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_program_loads_no_heavy_package() -> None:
    modules = "holystone.cli.main, holystone.cli.commands, holystone.adapters.registries.connections"
    found = f"[name for name in {HEAVY!r} if name in sys.modules]"
    assert python(f"import sys, {modules}; print({found})") == "[]"


def test_the_records_of_all_vendors_load_nothing_else_of_theirs() -> None:
    """They are loaded before the command line knows what to do."""
    loaded = python("import sys, holystone.adapters.registries.implementations; print(*sys.modules)").split()
    ours = [name.removeprefix("holystone.adapters.registries.") for name in loaded if ".adapters.registries." in name]
    assert set(ours) == {"implementations", "vendor", *IMPLEMENTATIONS}


@pytest.mark.parametrize("name", ["ecr", "acr", "gcr"])
def test_what_an_adapter_declares_needs_no_heavy_package(name: str) -> None:
    found = f"[name for name in {HEAVY!r} if name in sys.modules]"
    program = f"import sys; from holystone.adapters.registries import implementations as i; i.VENDORS[{name!r}].profile"
    assert python(f"{program}; print({found})") == "[]"
