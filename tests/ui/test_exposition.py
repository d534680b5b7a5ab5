"""Where metrics go: a file that is whole at any moment, a Pushgateway that may do what it likes."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge

from holystone.ui.exposition import ended_well_before, push, write
from holystone.ui.metrics import SUCCESS


def registry(name: str = "a", value: float = 1) -> CollectorRegistry:
    made = CollectorRegistry()
    Gauge(name, "A.", registry=made).set(value)
    return made


def test_a_file_is_replaced_and_everybody_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "holystone.prom"
    write(file, registry(value=1))
    opened = file.open()
    write(file, registry(value=2))
    assert "a 1.0" in opened.read(), "who has it open reads on"
    opened.close()
    assert "a 2.0" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "link to nothing"])
def test_what_is_no_file_is_neither_replaced_nor_followed(tmp_path: Path, kind: str) -> None:
    place, elsewhere = tmp_path / "x", tmp_path / "mine"
    elsewhere.write_text("mine")
    match kind:
        case "folder":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case "link":
            place.symlink_to(elsewhere)
        case _:
            place.symlink_to(tmp_path / "none")
    before = place.lstat()
    with pytest.raises(OSError, match="no regular file"):
        write(place, registry())
    assert (place.lstat().st_ino, place.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert elsewhere.read_text() == "mine"
    assert not (tmp_path / "none").exists()


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x"
    write(file, registry())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(file, registry(value=2))
    assert "a 1.0" in file.read_text()
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (f"{SUCCESS} 1.7e9\n", 1.7e9),
        (f"x 1\n{SUCCESS} 1700000000.25\ny 2\n", 1700000000.25),
        (f'{SUCCESS}{{a="b"}} 5\n', None),
        (f"{SUCCESS} NaN\n", None),
        (f"{SUCCESS} +Inf\n", None),
        (f"{SUCCESS}\n", None),
        (f"{SUCCESS} soon\n", None),
        ("{{{{\n", None),
        ("\x00\xff", None),
        ("", None),
    ],
)
def test_the_last_success_is_read_of_what_was_there(tmp_path: Path, text: str, moment: float | None) -> None:
    file = tmp_path / "x"
    file.write_bytes(text.encode("latin-1"))
    assert ended_well_before(file) == moment


def test_where_nothing_can_be_read_nothing_is_known(tmp_path: Path) -> None:
    assert ended_well_before(tmp_path / "none") is None
    assert ended_well_before(tmp_path) is None
    os.mkfifo(tmp_path / "pipe")
    assert ended_well_before(tmp_path / "pipe") is None


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def gateway(answer: Answer) -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """Its address, and the requests that came."""
    came: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            came.append((self.command, self.path, body))
            answer(self)

        do_POST = do_PUT = do_GET = _any

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        server.server_close()


def says(status: int, **headers: str) -> Answer:
    def answer(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in headers.items():
            to.send_header(name, value)
        to.end_headers()

    return answer


def test_metrics_are_added_to_a_group() -> None:
    with gateway(says(200)) as (url, came):
        assert push(f"{url}/behind", "shop-cleanup", {"team": "a/b"}, registry()) == ""
    ((method, path, body),) = came
    assert (method, path) == ("POST", "/behind/metrics/job/shop-cleanup/team@base64/YS9i")
    assert b"\na 1.0\n" in body


@pytest.mark.parametrize("status", [400, 403, 500])
def test_what_is_not_taken_is_told(status: int) -> None:
    with gateway(says(status)) as (url, _):
        assert push(url, "x", {}, registry()) == f"it answered with status {status}"


def test_nobody_is_led_elsewhere() -> None:
    with gateway(says(200)) as (elsewhere, asked), gateway(says(302, Location=f"{elsewhere}/x")) as (url, _):
        assert push(url, "x", {}, registry()) == "it answered with status 302"
    assert asked == []


def test_where_nobody_is_it_is_told() -> None:
    with gateway(says(200)) as (url, _):
        pass
    assert "refused" in push(url, "x", {}, registry())


def test_no_server_holds_up_a_run() -> None:
    """One that sends a byte now and then is never silent for long."""
    over = threading.Event()

    def drip(to: BaseHTTPRequestHandler) -> None:
        with pytest.raises(OSError):  # noqa: PT012 - in the end nobody listens
            while not over.wait(0.02):
                to.wfile.write(b"X")
            raise OSError

    begun = time.monotonic()
    with gateway(drip) as (url, _):
        assert push(url, "x", {}, registry(), patience=0.2) == "it took too long"
        assert time.monotonic() - begun < 2
        over.set()


def test_a_name_that_is_none_is_told() -> None:
    assert push("http://" + "x" * 300, "x", {}, registry(), patience=2.0)
