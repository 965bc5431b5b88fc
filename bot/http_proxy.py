"""The proxy of each outgoing request, as the environment names it: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.

aiohttp's own `trust_env` knows no proxy for `wss://` unless `WSS_PROXY` is set, ignores proxies that speak TLS and adds
credentials from `~/.netrc`; Slack's SDK ignores `NO_PROXY`. So neither is used.
https://docs.aiohttp.org/en/stable/client_advanced.html#proxy-support
"""

from __future__ import annotations

import ipaddress
import os
from functools import lru_cache
from typing import Any
from urllib.request import getproxies, proxy_bypass

from aiohttp import BasicAuth, ClientRequest
from yarl import URL

_VARIABLE = {"https": "https", "wss": "https", "http": "http", "ws": "http"}
_NAMES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "REQUEST_METHOD")


def proxy_of(url: URL) -> URL | None:
    """Return the proxy for an address; None to connect to it directly.

    A loopback address is never behind a proxy: seen from there it would be the proxy's own machine.
    """
    return _look_up(url.scheme, url.host, url.port, *_environment())


def _environment() -> tuple[str | None, ...]:
    return tuple(map(os.environ.get, _NAMES))


@lru_cache(maxsize=256)
def _look_up(scheme: str, host: str | None, port: int | None, *_environment: str | None) -> URL | None:
    """Look through the environment, once for each address as long as its proxies are the same."""
    if host is None or _is_loopback(host):
        return None
    named = getproxies().get(_VARIABLE.get(scheme, ""), "").strip()
    if not named or proxy_bypass(f"{host}:{port}"):
        return None
    return URL(named if "://" in named else f"http://{named}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


def proxied_requests() -> type[ClientRequest]:
    """Return the requests of a session, which go by way of the proxies that the environment names now."""
    environment = _environment()  # read once: seven look-ups for each request take as long as its headers

    class ProxiedRequest(ClientRequest):
        """A request of aiohttp's by way of its proxy."""

        def update_proxy(self, proxy: URL | None, proxy_auth: BasicAuth | None, proxy_headers: Any) -> None:
            """Take the proxy for this address, and the credentials from the proxy's.

            Not the one that is passed: each client of Slack's SDK passes the same one for every address.
            """
            url = self.original_url
            proxy = _look_up(url.scheme, url.host, url.port, *environment)
            if proxy is not None and proxy.user is not None:
                proxy_auth = BasicAuth(proxy.user, proxy.password or "")
                proxy = proxy.with_user(None)
            super().update_proxy(proxy, proxy_auth, proxy_headers)

    return ProxiedRequest
