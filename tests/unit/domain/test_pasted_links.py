"""Which addresses name an app or a build of Applivery, and that one with a credential names none."""

from __future__ import annotations

import pytest

from bot.applivery.hosts import link_places
from bot.domain import pasted_links
from bot.domain.pasted_links import PastedLink

PLACES = link_places(organization="acme", public_url="https://bot.acme.test/builds")
TENANT = link_places(tenant="snap", organization="acme")
OWN = link_places(tenant="apps.acme.com", organization="a" * 24, dashboard="http://127.0.0.1:5001")
BUILD = "5f2c0a1b3d4e5f6a7b8c9d0e"
TICKET = "abcdefghijklmnopqrstu-"


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        (f"https://dashboard.applivery.io/acme/apps/courier/builds?id={BUILD}", PastedLink("acme", "courier", BUILD)),
        (
            f"https://dashboard.applivery.io/acme/apps/courier/builds?s=build&amp;id={BUILD}",
            PastedLink("acme", "courier", BUILD),
        ),
        (f"HTTPS://Dashboard.Applivery.IO./acme/apps/courier/builds/{BUILD}/", PastedLink("acme", "courier", BUILD)),
        ("https://dashboard.applivery.io/acme/apps/courier", PastedLink("acme", "courier")),
        ("https://dashboard.applivery.io/acme/apps/courier/builds?os=ios", PastedLink("acme", "courier", "", "ios")),
        (
            f"https://acme.applivery.io/beta?os=android&build={BUILD}",
            PastedLink("acme", "beta", BUILD, "android", is_store=True),
        ),
        ("https://acme.applivery.com/beta", PastedLink("acme", "beta", is_store=True)),
        (f"https://bot.acme.test/builds/b/{TICKET}", PastedLink(ticket=TICKET)),
    ],
)
def test_address_names_its_app_and_build(url: str, meant: PastedLink) -> None:
    assert pasted_links.read(url, PLACES) == meant


@pytest.mark.parametrize(
    "url",
    [
        "",
        "courier",
        "ftp://dashboard.applivery.io/acme/apps/courier",
        "itms-services://?action=download-manifest&url=https://dashboard.applivery.io/acme/apps/courier",
        "https://dashboard.applivery.io",
        "https://dashboard.applivery.io/acme/apps",
        "https://dashboard.applivery.io/acme/apps/courier/settings",
        "https://dashboard.applivery.io/acme/apps/courier/builds/latest",
        "https://dashboard.applivery.io/acme/apps/courier/builds?id=1",
        "https://dashboard.applivery.io/acme/apps/courier/builds?git_branch=main",
        "https://dashboard.applivery.io.evil.test/acme/apps/courier",
        "https://evil.test/acme/apps/courier",
        "https://api.applivery.io/courier",
        "https://store.applivery.io/courier",
        "https://acme.applivery.io/",
        "https://acme.applivery.io/beta/other",
        f"https://bot.acme.test/b/{TICKET}",
        f"https://bot.acme.test/builds/b/{TICKET}/x",
        "https://bot.acme.test/builds/b/short",
        "https://dashboard.applivery.io:port/acme/apps/courier",
        "https://[dashboard.applivery.io/acme/apps/courier",
        "https://dashboard.applivery.io/acme/apps/courier\x00",
        "https://dashboard.applivery.io/acme/apps/" + "c" * 4000,
    ],
)
def test_other_address_names_none(url: str) -> None:
    assert pasted_links.read(url, PLACES) is None


@pytest.mark.parametrize(
    "url",
    [
        f"https://dashboard.applivery.io/acme/apps/courier/builds?id={BUILD}&token=x",
        "https://dashboard.applivery.io/acme/apps/courier?downloadToken=x",
        "https://dashboard.applivery.io/acme/apps/courier?X-Amz-Signature=x",
        "https://dashboard.applivery.io/acme/apps/courier?apiKey",
        "https://dashboard.applivery.io/acme/apps/courier#access_token=x",
        "https://ana:word@dashboard.applivery.io/acme/apps/courier",
        "https://acme.applivery.io/beta?password=x",
        f"https://bot.acme.test/builds/b/{TICKET}?token=x",
    ],
)
def test_address_with_a_credential_names_none(url: str) -> None:
    assert pasted_links.read(url, PLACES) is None


def test_ticket_is_in_no_printed_form() -> None:
    assert TICKET not in repr(PastedLink(ticket=TICKET))
    assert TICKET not in repr(pasted_links.SharedLinks("U1", "C1", "1.2", (f"https://bot.acme.test/b/{TICKET}",)))


def test_tenant_has_its_own_dashboard_and_store() -> None:
    assert pasted_links.read("https://store.snap.applivery.io/beta", TENANT) == PastedLink("", "beta", is_store=True)
    assert pasted_links.read("https://dashboard.snap.applivery.io/acme/apps/courier", TENANT) is not None
    assert pasted_links.read("https://dashboard.applivery.io/acme/apps/courier", TENANT) is None
    assert pasted_links.read("http://127.0.0.1:5001/acme/apps/courier", OWN) == PastedLink("acme", "courier")


def test_domains_are_five_at_most_and_no_addresses() -> None:
    assert PLACES.domains() == [
        "dashboard.applivery.io",
        "acme.applivery.io",
        "acme.applivery.com",
        "bot.acme.test",
    ]
    assert TENANT.domains() == ["dashboard.snap.applivery.io", "store.snap.applivery.io"]
    assert OWN.domains() == ["dashboard.apps.acme.com", "store.apps.acme.com"]
    assert link_places().domains() == ["dashboard.applivery.io"]
    most = link_places(organization="acme", dashboard="https://d.test", public_url="https://b.test")
    assert most.domains() == ["d.test", "dashboard.applivery.io", "acme.applivery.io", "acme.applivery.com", "b.test"]
