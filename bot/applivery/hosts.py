"""The four hosts of a tenant, and links to them."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from msgspec import Struct

from bot.domain.model import App, Build
from bot.domain.pasted_links import LinkPlaces

_BASE = "applivery.io"
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_ID = re.compile(r"[a-fA-F0-9]{24}")
_STORE_BASES = (_BASE, "applivery.com")  # https://docs.applivery.com/en/app-distribution/distribute/distribute-apps


class AppliveryHosts(Struct, frozen=True):
    """The origins of a tenant, each `scheme://host[:port]` without a trailing slash; paths start at `/v1/…`."""

    api: str
    upload: str
    download: str
    dashboard: str

    @classmethod
    def of_tenant(
        cls,
        tenant: str = "",
        *,
        api: str | None = None,
        upload: str | None = None,
        download: str | None = None,
        dashboard: str | None = None,
    ) -> AppliveryHosts:
        """Build the hosts of a tenant; a keyword replaces one of them, scheme and port included.

        An empty `tenant` is `applivery.io`, one with a dot is a customer's own base domain, any other is
        `{tenant}.applivery.io` (fastlane-plugin-applivery, helper/applivery_helper.rb). Raises ValueError when a part
        is not a host name or not an http(s) address.
        """
        base = _base_domain(tenant.strip())
        return cls(
            api=_origin(api or f"https://api.{base}"),
            upload=_origin(upload or f"https://upload.{base}"),
            download=_origin(download or f"https://download-api.{base}"),
            dashboard=_origin(dashboard or f"https://dashboard.{base}"),
        )

    @staticmethod
    def store(tenant: str) -> str:
        """Return the host of a private tenant's stores, as in `store.snap.applivery.io` in a public build script."""
        return f"https://store.{_base_domain(tenant.strip())}"

    def dashboard_workspace_url(self, organization: str) -> str:
        """Return the page of the workspace in Applivery's dashboard; opening it needs the reader's own log-in."""
        return f"{self.dashboard}/{quote(organization, safe='')}"

    def dashboard_app_url(self, organization: str, app: App) -> str:
        """Return the page of an app in Applivery's dashboard; opening it needs the reader's own log-in."""
        return f"{self.dashboard}/{quote(organization, safe='')}/apps/{quote(app.slug, safe='')}"

    def dashboard_build_url(self, organization: str, app: App, build: Build) -> str:
        """Return the page of a build in Applivery's dashboard; opening it needs the reader's own log-in."""
        # Shape: https://github.com/fastlane-community/fastlane-plugin-applivery#readme
        parts = (quote(part, safe="") for part in (organization, app.slug, build.id))
        return "{}/{}/apps/{}/builds?id={}".format(self.dashboard, *parts)

    def download_url(self, token: str) -> str:
        """Return the address that spends `token`; whoever has it can download the file."""
        return f"{self.download}/v1/download/{quote(token, safe='')}"

    def manifest_url(self, token: str) -> str:
        """Return the address of the over-the-air manifest an iPhone reads to install the file of `token`."""
        # Shape: the vendor's iOS SDK, https://github.com/applivery/applivery-ios-sdk (UpdateServiceTests.swift)
        return f"{self.download_url(token)}/manifest.plist"


def link_places(
    *, tenant: str = "", dashboard: str | None = None, organization: str | None = None, public_url: str | None = None
) -> LinkPlaces:
    """Return the sites of links that users paste: the dashboard, the stores and the bot's claim page.

    `dashboard` and `public_url` are full addresses, as in the settings. Raises ValueError as `of_tenant` does.
    """
    base, public = _base_domain(tenant.strip()), urlsplit(public_url or "")
    hosts = [urlsplit(dashboard).hostname or "" for dashboard in (dashboard,) if dashboard]
    return LinkPlaces(
        dashboards=tuple(dict.fromkeys((*hosts, f"dashboard.{base}"))),
        stores=(f"store.{base}",) if tenant.strip() else (),
        store_bases=() if tenant.strip() else _STORE_BASES,
        workspace=organization if organization and not _ID.fullmatch(organization) else "",
        public=public.hostname or "",
        public_path=public.path.rstrip("/"),
    )


def _base_domain(tenant: str) -> str:
    if not tenant:
        return _BASE
    if not _TENANT.fullmatch(tenant) or ".." in tenant:
        raise ValueError("that is not a tenant: expected a name like `acme` or a domain like `acme-apps.com`")
    return tenant if "." in tenant else f"{tenant}.{_BASE}"


def _origin(address: str) -> str:
    """Return `address` without a trailing slash or `/v1`, which every path already has."""
    trimmed = address.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    parts = urlsplit(trimmed)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("a host is not an address like https://api.applivery.io")
    return trimmed
