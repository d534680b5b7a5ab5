"""`holystone demo --keep`: a registry on a port that every user of the machine can reach."""

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode

import pytest


@pytest.mark.slow
def test_only_who_was_told_the_password_gets_in() -> None:
    command = [sys.executable, "-c", "from holystone.cli.main import main; main()", "demo", "--keep"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        assert demo.stderr
        try:
            hint = next((found for line in demo.stdout if (found := re.search(r"curl -u (\S+) (\S+)", line))), None)
            assert hint, demo.stderr.read()
            login, url = hint.groups()
            assert _status("GET", url, login) == 200
            manifest = url.replace("_catalog", "shop/app/front/manifests/v1")
            for stranger in (None, "me:", "demo:demo", f"demo:{login.partition(':')[2]}"):
                for method, at in (("GET", url), ("PUT", manifest), ("DELETE", manifest)):
                    assert _status(method, at, stranger) == 401
            _send(url, b"no such thing\r\n\r\n")
            _send(url, b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nno-gz")
        finally:
            demo.send_signal(signal.SIGINT)
        _, told = demo.communicate(timeout=30)
    assert [line for line in told.splitlines() if not line.startswith("holystone: run ")] == [
        "holystone: Interrupted by SIGINT.",
        "  Nothing was deleted.",
    ]


def _send(url: str, request: bytes) -> None:
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        assert b" 400 " in connection.recv(4096)


def _status(method: str, url: str, login: str | None) -> int:
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=30) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
