"""Which proxy an address is reached by, as the environment says."""

from __future__ import annotations

import pytest
from yarl import URL

from bot.http_proxy import proxy_of

PROXY = "http://proxy.corp.test:3128"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY", "WSS_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_https_proxy_is_for_web_and_socket(monkeypatch: pytest.MonkeyPatch, name: str, scheme: str) -> None:
    monkeypatch.setenv(name, PROXY)
    assert proxy_of(URL(f"{scheme}://slack.com/x")) == URL(PROXY)
    assert proxy_of(URL("http://slack.com/x")) is None


def test_http_proxy_is_for_http_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    assert proxy_of(URL("http://applivery.corp.test")) == URL(PROXY)
    assert proxy_of(URL("https://slack.com")) is None


@pytest.mark.parametrize(
    ("bypassed", "url", "is_direct"),
    [
        ("applivery.corp.test", "https://applivery.corp.test/v1", True),
        ("corp.test", "https://applivery.corp.test/v1", True),
        (".corp.test", "https://applivery.corp.test/v1", True),
        ("corp.test, slack.com", "wss://slack.com/link", True),
        ("corp.test:8443", "https://corp.test:8443/", True),
        ("corp.test:8443", "https://corp.test/", False),
        ("test", "https://attest/", False),
        ("*", "https://slack.com/", True),
        ("", "https://slack.com/", False),
    ],
)
def test_no_proxy_is_kept(monkeypatch: pytest.MonkeyPatch, bypassed: str, url: str, is_direct: bool) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", bypassed)
    assert (proxy_of(URL(url)) is None) == is_direct


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "[::1]", "LOCALHOST."])
def test_loopback_is_never_behind_a_proxy(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    assert proxy_of(URL(f"http://{host}:8080/readyz")) is None


@pytest.mark.parametrize("value", ["", "  "])
def test_empty_proxy_is_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    assert proxy_of(URL("https://slack.com")) is None


def test_proxy_without_scheme_is_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.corp.test:3128")
    assert proxy_of(URL("https://slack.com")) == URL(PROXY)
