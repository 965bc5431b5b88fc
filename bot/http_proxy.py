"""The proxy of outgoing requests, from the environment: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.

aiohttp's `trust_env` uses no proxy for `wss://` unless `WSS_PROXY` is set, ignores proxies with TLS and adds
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

    Never for a loopback address, which would be the proxy's own machine.
    """
    return _look_up(url.scheme, url.host, url.port, *_environment())


def _environment() -> tuple[str | None, ...]:
    return tuple(map(os.environ.get, _NAMES))


@lru_cache(maxsize=256)
def _look_up(scheme: str, host: str | None, port: int | None, *_environment: str | None) -> URL | None:
    """Return the proxy for an address, cached while the environment's proxies are the same."""
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
    """Return a request class for a session that uses the environment's current proxies."""
    environment = _environment()  # read once: seven look-ups per request take as long as its headers

    class ProxiedRequest(ClientRequest):
        """An aiohttp request that uses its address's proxy."""

        def update_proxy(self, proxy: URL | None, proxy_auth: BasicAuth | None, proxy_headers: Any) -> None:
            """Use the proxy for this address, with the credentials in the proxy's URL.

            The passed proxy is ignored: each client of Slack's SDK passes the same one for every address.
            """
            url = self.original_url
            proxy = _look_up(url.scheme, url.host, url.port, *environment)
            if proxy is not None and proxy.user is not None:
                proxy_auth = BasicAuth(proxy.user, proxy.password or "")
                proxy = proxy.with_user(None)
            super().update_proxy(proxy, proxy_auth, proxy_headers)

    return ProxiedRequest
