"""Render the claim page: templates to responses, with headers that keep them out of caches and frames."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from aiohttp import web
from markupsafe import Markup, escape

from bot import i18n
from bot.domain import expiry
from bot.domain.install import Browser, Device, required_system
from bot.domain.model import Build, Link
from bot.domain.outcomes import ClaimOutcome
from bot.domain.tickets import Ticket, TicketStatus
from bot.domain.time_zones import is_today
from bot.i18n import _, ngettext
from bot.i18n.units import format_size
from bot.i18n.verbatim import OPEN, SPAN
from bot.web.claim.guidance import Cause, Guidance
from bot.web.claim.install_options import InstallOptions
from bot.web.claim.texts import ENDINGS, platform_name

Answer = web.Response
Again = Literal["get", "post"]

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
}

SLACK = "https://app.slack.com/client"  # if the workspace is unknown
_TEMPLATES = Path(__file__).parent / "templates"


class ClaimPageRenderer:
    """Render the claim page's responses; `download_host` is the origin of the files."""

    def __init__(self, download_host: str) -> None:
        # imported here, like segno below, since a bot without PUBLIC_URL needs neither
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"size": format_size, "code": _code, "bdi": _bdi}
        style = (_TEMPLATES / "style.css").read_text("utf-8")
        script = (_TEMPLATES / "times.js").read_text("utf-8")
        self._templates.globals |= {
            "style": Markup(style),  # noqa: S704 - our own file
            "script": Markup(script),  # noqa: S704 - our own file
            "_": _markup,
            "ngettext": _plural_markup,
        }
        self._headers = {**HEADERS, "Content-Security-Policy": _policy(style, script, download_host)}

    def ready(
        self,
        ticket: Ticket,
        build: Build,
        offer: InstallOptions,
        guidance: Guidance,
        *,
        browser: Browser,
        address: str,
        slack: str,
        now: datetime,
    ) -> Answer:
        """Return the page of a ticket that can be claimed; `address` is the page's own, `slack` for a new link."""
        return self._page(
            "ready.html",
            build=build,
            platform=platform_name(build),
            offer=offer,
            requires=required_system(build) if ticket.file_id is None else "",
            guidance=guidance,
            ticket=ticket,
            expires=_expires(ticket.expires_at, now),
            qr=_qr(address) if offer.scan else None,
            outside=_outside(browser),
            address=address,
            slack=slack,
        )

    def installing(
        self, build: Build, link: Link, manifest: str, guidance: Guidance, *, slack: str, now: datetime
    ) -> Answer:
        """Return the page that opens the install dialog of an iPhone or iPad."""
        # Not encoded, as in the vendor's iOS SDK: https://github.com/applivery/applivery-ios-sdk
        target = f"itms-services://?action=download-manifest&url={manifest}"
        expires = _expires(link.expires_at, now)
        return self._page(
            "installing.html", app=build.app, target=target, guidance=guidance, expires=expires, slack=slack
        )

    def failed(self, cause: Cause, *, slack: str) -> Answer:
        """Return the page with the fix for a reported cause."""
        return self._page("failed.html", cause=cause, slack=slack)

    def download(self, link: Link) -> Answer:
        """Return the redirect to the file."""
        return Answer(status=303, headers={**self._headers, "Location": link.url})

    def ending(
        self,
        why: TicketStatus | ClaimOutcome,
        *,
        sentence: str = "",
        next_step: str = "",
        again: Again | None = None,
        choice: str = "",
        reference: str | None = None,
        headers: dict[str, str] | None = None,
        status: int | None = None,
        slack: str = SLACK,
    ) -> Answer:
        """Return a page without buttons to install, with the sentences of `ENDINGS` or the given ones; `again` repeats.

        `slack` is where a new link can be requested.
        """
        end = ENDINGS[why]
        return self._page(
            "ending.html",
            status or end.status,
            headers,
            title=_(end.title),
            sentence=sentence or (end.sentence and _(end.sentence)),
            next_step=next_step or (end.next_step and _(end.next_step)),
            again=again,
            choice=choice,
            reference=reference,
            slack=slack,
        )

    def _page(self, name: str, status: int = 200, headers: dict[str, str] | None = None, **facts: Any) -> Answer:
        spoken = i18n.current_locale()
        text = self._templates.get_template(name).render(language=spoken, **facts)
        spoken_in = {"Content-Language": spoken, "Vary": "Accept-Language"}
        every = {**self._headers, **spoken_in, **(headers or {})}
        return Answer(text=text, status=status, content_type="text/html", headers=every)


def _policy(style: str, script: str, download_host: str) -> str:
    # Chromium applies form-action to redirects after a form too, and the download host redirects to a storage host that
    # Applivery does not document, so any https host is allowed. https://github.com/w3c/webappsec-csp/issues/8
    plain = f" {download_host}" if download_host.startswith("http://") else ""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        f"base-uri 'none'; frame-ancestors 'none'; form-action 'self' https:{plain}"
    )


def _digest(text: str) -> str:
    """Return the hash of an inline style or script for the policy, which allows nothing else."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _qr(address: str) -> Markup:
    """Return the address as an inline SVG QR code, dark on white, since not every scanner reads inverted codes."""
    import segno  # noqa: PLC0415

    code = segno.make(address, micro=False)
    drawn = code.svg_inline(border=4, omitsize=True, dark="#000", light="#fff", svgclass="code", lineclass=None)
    return Markup(drawn)  # noqa: S704 - numbers and our own words


def _outside(browser: Browser) -> str | None:
    """Return the browser to use instead of the one inside another app."""
    if not browser.inside_app:
        return None
    return "Safari" if browser.device in (Device.IPHONE, Device.MAC_OR_IPAD) else "Chrome"


# ------------------------------------------------------------------ template functions


def _markup(sentence: str, **values: object) -> Markup:
    """Return a sentence as HTML; its values are escaped unless they are markup already."""
    return _code(_(sentence)).format(**values)


def _plural_markup(text: str, many: str, number: int, **values: object) -> Markup:
    """Return the singular or plural sentence as HTML, like `_markup`."""
    # `ngettext` fills in the number; these values are filled in after the conversion to markup
    kept = {name: f"{{{name}}}" for name in values}
    return _code(ngettext(text, many, number, **kept)).format(**values)


def _bdi(text: str) -> Markup:
    """Return text from outside in a <bdi>, so that right-to-left text does not affect the text around it."""
    return Markup("<bdi>{}</bdi>").format(text)


def _expires(at: datetime | None, now: datetime) -> Markup:
    """Format the expiry in UTC by this machine's clock; a script of the page replaces it by the reader's local time."""
    if at is None or at <= now or at - now >= expiry.FAR:
        return _code(_(expiry.expires(at, now, lambda _at: "{time}"))).format(time=_clock(at, now) if at else "")
    left, over = _(expiry.left(at - now)), _("expired")
    seconds = round((at - now).total_seconds())
    counting = Markup('<span data-left="{}" data-over="{}">{}</span>').format(seconds, over, left)
    return _markup("expires {time} ({left})", time=_clock(at, now), left=counting)


def _clock(moment: datetime, now: datetime) -> Markup:
    """Return a <time> with the time of day, and with its day unless that is today."""
    moment = moment.astimezone(UTC)
    day = "" if is_today(moment, now, ZoneInfo("UTC")) else f"{i18n.format_day(moment)}, "
    return Markup('<time datetime="{}">{} UTC</time>').format(moment.isoformat(), f"{day}{moment:%H:%M}")


def _code(text: str) -> Markup:
    """Return our own sentence as HTML with its code and bold; marked text from outside is left unchanged."""
    outside = iter(SPAN.findall(text))
    plain = str(escape(SPAN.sub(OPEN, text))).replace("&#39;", "'")  # safe, since no sentence is used in an attribute
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", plain)
    safe = re.sub(r"\*([^*]+)\*", r"<strong>\1</strong>", safe)
    return Markup(re.sub(OPEN, lambda _: str(escape(next(outside))), safe))  # noqa: S704 - escaped above
