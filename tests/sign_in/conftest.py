"""What the developer has set for himself must not reach the processes."""

import os

import pytest

_THEIRS = ("AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "GCE_", "CI_", "GITHUB_", "SSL_", "REQUESTS_", "ALL_PROXY")


@pytest.fixture(autouse=True)
def _nobodys_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(_THEIRS):
            monkeypatch.delenv(name)
