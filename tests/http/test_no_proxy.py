"""Which hosts are reached through the environment's proxy, in detail. The cases are Go's own (golang.org/x/net,
http/httpproxy: proxy_test.go, `TestUseProxy`, and those of its issues), but where a comment says otherwise."""

import os

import pytest
from yarl import URL

from holystone.adapters.http.no_proxy import is_direct
from holystone.adapters.http.proxies import DIRECT, proxy_for
from holystone.engine.errors import UsageError


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)


GO = (
    "foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, 2001:db8::52:0:1"
)
GO += ", [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64"


@pytest.mark.parametrize(
    ("host", "direct"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("[::1]", True),
        ("[::ffff:127.0.0.1]", True),
        ("[::2]", False),
        ("192.168.1.1", True),
        ("192.168.1.2", False),
        ("192.168.1.3", True),
        ("192.168.1.4", False),
        ("10.0.0.2", True),
        ("10.0.0.5", False),
        ("[2001:db8::52:0:1]", True),
        ("[2001:db8::52:0:2]", False),
        ("[2001:db8::52:0:3]", True),
        ("[2002:db8:a::123]", True),
        ("[fe80::424b:c8be:1643:a1b6]", False),
        ("barbaz.net", False),
        ("www.barbaz.net", True),
        ("foobar.com", True),
        ("www.foobar.com", True),
        ("foofoobar.com", False),
        ("baz.com", False),
        ("wildcard.io", False),
        ("a.wildcard.io", True),
        ("a.b.wildcard.io", True),
        ("FOOBAR.com", True),
        ("foobar.com.", True),  # as curl does it
    ],
)
def test_no_proxy_as_go_has_it(host: str, direct: bool) -> None:
    assert is_direct(URL(f"http://{host}/v2/"), GO) is direct


@pytest.mark.parametrize(
    ("url", "entries", "direct"),
    [
        ("https://r.corp:5000", "r.corp:5000", True),
        ("https://r.corp:5001", "r.corp:5000", False),
        ("https://r.corp", "r.corp:443", True),
        ("https://r.corp", "r.corp:80", False),
        ("https://r.corp", "r.corp:0443", False),  # Go compares the text
        ("https://r.corp", "r.corp:٤٤٣", False),
        ("https://r.corp", f"r.corp:{'4' * 5000}", False),
        ("https://10.1.2.3", f"10.0.0.0/{'8' * 5000}", False),
        ("https://a.r.corp:5000", "r.corp:5000", True),
        ("https://a.r.corp:5000", "*.r.corp:5000", True),
        ("https://r.corp:5000", "R.Corp", True),
        ("https://r.corp", "other.corp r.corp", True),  # as curl does it
        ("https://r.corp", "\tother.corp ,\n r.corp ", True),
        ("https://r.corp", "", False),
        ("https://r.corp", ",,", False),
        ("https://r.corp", "other.corp,*", True),
        ("https://10.1.2.3:6443", "10.0.0.0/8", True),
        ("https://10.1.2.3:6443", "10.9.9.9/8", True),
        ("https://11.1.2.3:6443", "10.0.0.0/8", False),
        ("https://10.1.2.3", "0.0.0.0/0", True),
        ("https://[fd00::7]:6443", "fd00::/8", True),
        ("https://10.1.2.3:6443", "10.1.2.3:6443", True),
        ("https://10.1.2.3:6443", "10.1.2.3:443", False),
        ("https://10.1.2.30", "10.1.2.3", False),
        ("https://10.1.2.3", "2.3", False),  # not a name's end
        ("https://r.corp", "10.0.0.0/8", False),
        ("https://[fd00::7]", "[fd00::7]", True),
        ("https://r.corp", "r.corp/24", False),
        ("https://r.corp", ":443", False),
        ("https://r.corp", ".", False),
        ("https://r.corp", "*.", False),
        ("https://bücher.example", "bücher.example", True),
        ("https://xn--bcher-kva.example", "bücher.example", True),
    ],
)
def test_entries(url: str, entries: str, direct: bool) -> None:
    assert is_direct(URL(url), entries) is direct


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "registry.localhost"])
def test_this_machine_needs_no_entry(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.corp:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.corp:3128")
    assert proxy_for(URL(f"http://{host}:5000")) == proxy_for(URL(f"https://{host}:6443")) == DIRECT


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_the_environment_is_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.corp:3128")
    monkeypatch.setenv(name, "r.corp:5000")
    assert proxy_for(URL("https://r.corp:5000")) == DIRECT
    assert proxy_for(URL("https://r.corp")).url == URL("http://proxy.corp:3128")
    assert proxy_for(URL("http://r.corp")) == DIRECT, "that one is for https only"


def test_capitals_come_first_as_in_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://large:1")
    monkeypatch.setenv("https_proxy", "http://small:1")
    assert proxy_for(URL("https://r.corp")).url == URL("http://large:1")
    monkeypatch.setenv("HTTPS_PROXY", "")
    assert proxy_for(URL("https://r.corp")).url == URL("http://small:1")


def test_one_for_all_is_taken_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://all:1")
    monkeypatch.setenv("HTTP_PROXY", "http://http:1")
    assert proxy_for(URL("http://r.corp")).url == URL("http://http:1")
    assert proxy_for(URL("https://r.corp")).url == URL("http://all:1")


def test_a_strangers_header_is_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://stranger:1")
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    assert proxy_for(URL("http://r.corp")) == DIRECT


def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.corp:1080")
    with pytest.raises(UsageError, match="no address of http or https"):
        proxy_for(URL("https://r.corp"))
    assert proxy_for(URL("https://127.0.0.1")) == DIRECT
