"""What every test begins with."""

import pytest

from holystone.adapters.credentials import redaction


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A run has one list of secrets. Tests are many runs in one process, and one's password is another one's word."""
    redaction._KNOWN.clear()
