"""Where metrics are to go, out of options and variables."""

import pytest

from holystone.engine.errors import UsageError
from holystone.settings.given import Given
from holystone.settings.metrics import MetricsSettings, Pushgateway, resolve_metrics


def resolved(**options: str) -> MetricsSettings:
    return resolve_metrics(Given(options, {"HOME": "/home/me"}))


def test_a_file_by_option_or_variable() -> None:
    assert str(resolved(metrics_file="~/m.prom").file) == "/home/me/m.prom"
    by_variable = resolve_metrics(Given({}, {"HOLYSTONE_METRICS_FILE": "m.prom", "HOLYSTONE_METRICS_PUSH": ""}))
    assert (str(by_variable.file), by_variable.push) == ("m.prom", None)
    assert resolved() == MetricsSettings()


@pytest.mark.parametrize(
    ("url", "gateway"),
    [
        ("http://gate:9091", Pushgateway("http://gate:9091")),
        ("http://gate:9091/", Pushgateway("http://gate:9091")),
        ("https://gate/behind/it/", Pushgateway("https://gate/behind/it")),
        ("http://gate/metrics/job/shop", Pushgateway("http://gate", "shop")),
        ("http://gate/p/metrics/job/shop/", Pushgateway("http://gate/p", "shop")),
        ("http://gate/metrics/job/a%20b/team/x%2Fy", Pushgateway("http://gate", "a b", {"team": "x/y"})),
        ("http://[::1]:9091/metrics/job/x/a/1/b/2", Pushgateway("http://[::1]:9091", "x", {"a": "1", "b": "2"})),
    ],
)
def test_a_gateway_is_named_as_its_own_page_does(url: str, gateway: Pushgateway) -> None:
    assert resolved(metrics_push=url).push == gateway


@pytest.mark.parametrize(
    "url",
    [
        "gate:9091",
        "ftp://gate/x",
        "file:///etc/passwd",
        "http://",
        "http://gate:0",
        "http://gate:99999",
        "http://gate:port",
        "http://[::1",
        "http://gate/x?token=hunter2",
        "http://gate/#hunter2",
        "http://gate/a b",
        "http://gate\n/x",
        "http://g\u00e4te/",
        "http://gate/\x1b[2J",
        "http://me:hunter2@gate:9091",
        "http://hunter2@gate",
        "https://gate/metrics/job/",
        "https://gate/metrics/job/x/team",
        "https://gate/metrics/job/x/team/",
        "https://gate/metrics/job/x/not-a-label/y",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="--metrics-push") as refused:
        resolved(metrics_push=url)
    assert "hunter2" not in str(refused.value) + refused.value.what_to_do
    assert "\n/x" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "looks"),
    [({}, False), ({"dry_run": "true"}, True), ({"dry_run": "false"}, False), ({"plan_out": "plan"}, True)],
)
def test_whether_anything_is_going_to_be_changed(given: dict[str, str], looks: bool) -> None:
    assert resolved(**given).looks == looks


def test_what_may_be_shown_of_a_gateway_is_its_host() -> None:
    assert Pushgateway("https://gate:9091/secret-path").host == "gate:9091"
