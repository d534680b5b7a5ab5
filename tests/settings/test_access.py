"""Addresses of vendors' APIs."""

import pytest

from holystone.engine.errors import UsageError
from holystone.settings.access import resolve_shared_access
from holystone.settings.given import Given


@pytest.mark.parametrize("text", ["https://api.example.com/v3", "http://[::1]:8080", "https://[fd00::1]/api"])
def test_addresses_of_an_api(text: str) -> None:
    assert str(resolve_shared_access(Given({"repo_api_url": text}, {})).api_url) == text


@pytest.mark.parametrize(
    "text",
    ["https://my_host", "https://[::1", "https://:443", "api.example.com", "ftp://x", "https://me:pw@x", "https://x?y"],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="not the address of an API") as raised:
        resolve_shared_access(Given({"repo_api_url": text}, {}))
    assert "pw" not in str(raised.value)
