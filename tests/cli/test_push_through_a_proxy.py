"""Metrics that are pushed go through the proxy that registries are asked through, and no other way."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from holystone.adapters.credentials.redaction import redacted
from holystone.cli.recording import pushed
from holystone.settings.metrics import Pushgateway
from tests.ui.test_exposition import gateway, registry, says


@contextmanager
def proxy(monkeypatch: pytest.MonkeyPatch, *, scheme: str = "http") -> Iterator[list[bytes]]:
    """What came to a proxy, which refuses everything and repeats the login."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            with suppress(OSError):
                while True:
                    to, _ = listening.accept()
                    with to:
                        came.append(to.recv(1 << 16))
                        to.sendall(b"HTTP/1.1 407 not with hunter2-of-ours\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=refuse, daemon=True).start()
        at = f"{scheme}://rob:hunter2-of-ours@127.0.0.1:{listening.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, at)
            monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        yield came


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_repeats_its_password_is_not_shown(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    with proxy(monkeypatch) as came:
        why = pushed(Pushgateway(f"{scheme}://gateway.example.com"), registry())
    assert "407" in why
    assert "hunter2" not in redacted(why)
    assert base64.b64encode(b"rob:hunter2-of-ours") in came[0]


def test_no_password_goes_in_clear_text_to_a_proxy_that_is_reached_by_https(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy(monkeypatch, scheme="https") as came:
        assert "by https" in pushed(Pushgateway("https://gateway.example.com"), registry())
    assert came == []


def test_what_needs_no_proxy_for_registries_needs_none_here(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy(monkeypatch) as came, gateway(says(200)) as (url, asked):
        assert pushed(Pushgateway(url), registry()) == "", "this machine itself"
    assert (came, len(asked)) == ([], 1)
