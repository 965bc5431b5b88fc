"""Which addresses a tenant has."""

from __future__ import annotations

import pytest

from bot.applivery.hosts import AppliveryHosts
from bot.domain.model import App, Build, Stage


@pytest.mark.parametrize(
    ("tenant", "base"),
    [
        ("", "applivery.io"),
        ("  ", "applivery.io"),
        ("snap", "snap.applivery.io"),
        ("mycompany-apps.com", "mycompany-apps.com"),
        ("apps.mycompany.co.uk", "apps.mycompany.co.uk"),
    ],
)
def test_the_tenant_decides_the_base_domain(tenant: str, base: str) -> None:
    assert AppliveryHosts.of_tenant(tenant) == AppliveryHosts(
        api=f"https://api.{base}",
        upload=f"https://upload.{base}",
        download=f"https://download-api.{base}",
        dashboard=f"https://dashboard.{base}",
    )


@pytest.mark.parametrize("name", ["api", "upload", "download", "dashboard"])
def test_each_host_is_overridden_alone(name: str) -> None:
    hosts, usual = AppliveryHosts.of_tenant("snap", **{name: "http://127.0.0.1:9000"}), AppliveryHosts.of_tenant("snap")
    assert getattr(hosts, name) == "http://127.0.0.1:9000"
    others = {"api", "upload", "download", "dashboard"} - {name}
    assert all(getattr(hosts, other) == getattr(usual, other) for other in others)


@pytest.mark.parametrize("pasted", ["https://api.acme.io/", "https://api.acme.io/v1", " https://api.acme.io/v1/ "])
def test_host_pasted_suffix_is_removed(pasted: str) -> None:
    assert AppliveryHosts.of_tenant(api=pasted).api == "https://api.acme.io"


@pytest.mark.parametrize("tenant", ["a b", "evil.com/x", "https://acme.io", "a..b.com", "-", "a@b.c", "acme.\nio"])
def test_a_tenant_that_is_no_host_name_is_refused(tenant: str) -> None:
    with pytest.raises(ValueError, match="not a tenant"):
        AppliveryHosts.of_tenant(tenant)


@pytest.mark.parametrize(
    "address", ["api.acme.io", "ftp://acme.io", "https://", "https://u:p@acme.io", "https://a?b=c"]
)
def test_an_override_that_is_no_web_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        AppliveryHosts.of_tenant(api=address)


def test_the_dashboard_link_has_the_shape_of_the_vendors_plugin() -> None:
    app = App(id="a" * 24, slug="courier", name="Courier")
    url = AppliveryHosts.of_tenant().dashboard_build_url("acme", app, Build(id="b" * 24, app=app, stage=Stage.READY))
    assert url == f"https://dashboard.applivery.io/acme/apps/courier/builds?id={'b' * 24}"


def test_words_from_outside_cannot_shape_a_link() -> None:
    app = App(id="a" * 24, slug="../x?y", name="")
    build = Build(id="b&c#d", app=app, stage=Stage.READY)
    url = AppliveryHosts.of_tenant().dashboard_build_url("acme", app, build)
    assert url == "https://dashboard.applivery.io/acme/apps/..%2Fx%3Fy/builds?id=b%26c%23d"
    assert AppliveryHosts.of_tenant().download_url("a/b?c") == "https://download-api.applivery.io/v1/download/a%2Fb%3Fc"
