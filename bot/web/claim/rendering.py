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

SLACK = "https://app.slack.com/client"  # where it is not known which workspace
_TEMPLATES = Path(__file__).parent / "templates"


class ClaimPageRenderer:
    """The claim page's answers; `download_host` is the origin that files come from."""

    def __init__(self, download_host: str) -> None:
        # here, and segno below: a bot without PUBLIC_URL has no such page and need not load them
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
        """Return the page that makes an iPhone or iPad ask whether to install."""
        # Unencoded, as the vendor's iOS SDK builds it: https://github.com/applivery/applivery-ios-sdk
        target = f"itms-services://?action=download-manifest&url={manifest}"
        expires = _expires(link.expires_at, now)
        return self._page(
            "installing.html", app=build.app, target=target, guidance=guidance, expires=expires, slack=slack
        )

    def failed(self, cause: Cause, *, slack: str) -> Answer:
        """Return the page that says what to do about a cause, after it was counted."""
        return self._page("failed.html", cause=cause, slack=slack)

    def download(self, link: Link) -> Answer:
        """On to the file."""
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
    # Chromium holds the redirects after a form to form-action too, and the download host's own redirect leads to a
    # storage host that Applivery does not name: any https one will do. https://github.com/w3c/webappsec-csp/issues/8
    plain = f" {download_host}" if download_host.startswith("http://") else ""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        f"base-uri 'none'; frame-ancestors 'none'; form-action 'self' https:{plain}"
    )


def _digest(text: str) -> str:
    """Return what a policy calls an inline style or script: nothing else runs."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _qr(address: str) -> Markup:
    """Return the address as inline SVG, dark on white in any colour scheme: not every scanner reads it inverted."""
    import segno  # noqa: PLC0415

    code = segno.make(address, micro=False)
    drawn = code.svg_inline(border=4, omitsize=True, dark="#000", light="#fff", svgclass="code", lineclass=None)
    return Markup(drawn)  # noqa: S704 - numbers and our own words


def _outside(browser: Browser) -> str | None:
    """Return the browser to open instead of the one inside another app."""
    if not browser.inside_app:
        return None
    return "Safari" if browser.device in (Device.IPHONE, Device.MAC_OR_IPAD) else "Chrome"


# ------------------------------------------------------------------ what the templates say


def _markup(sentence: str, **values: object) -> Markup:
    """Return a sentence for a browser; its values are escaped, unless they are markup already."""
    return _code(_(sentence)).format(**values)


def _plural_markup(text: str, many: str, number: int, **values: object) -> Markup:
    """Return the same with one of two sentences."""
    kept = {name: f"{{{name}}}" for name in values}  # `ngettext` fills in the number, and these come after the markup
    return _code(ngettext(text, many, number, **kept)).format(**values)


def _bdi(text: str) -> Markup:
    """Text from outside on its own, so that one written from right to left does not turn its neighbours around."""
    return Markup("<bdi>{}</bdi>").format(text)


def _expires(at: datetime | None, now: datetime) -> Markup:
    """Format when it expires, in UTC and by the clock of this machine; a script of the page says it by the reader's."""
    if at is None or at <= now or at - now >= expiry.FAR:
        return _code(_(expiry.expires(at, now, lambda _at: "{time}"))).format(time=_clock(at, now) if at else "")
    left, over = _(expiry.left(at - now)), _("expired")
    seconds = round((at - now).total_seconds())
    counting = Markup('<span data-left="{}" data-over="{}">{}</span>').format(seconds, over, left)
    return _markup("expires {time} ({left})", time=_clock(at, now), left=counting)


def _clock(moment: datetime, now: datetime) -> Markup:
    """Return a time of day, with its day when that is not today, which machines may read whole."""
    moment = moment.astimezone(UTC)
    day = "" if is_today(moment, now, ZoneInfo("UTC")) else f"{i18n.format_day(moment)}, "
    return Markup('<time datetime="{}">{} UTC</time>').format(moment.isoformat(), f"{day}{moment:%H:%M}")


def _code(text: str) -> Markup:
    """Our own words for a browser, with our code and bold; what is marked as from outside is left as it is."""
    outside = iter(SPAN.findall(text))
    plain = str(escape(SPAN.sub(OPEN, text))).replace("&#39;", "'")  # harmless: no sentence is in an attribute
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", plain)
    safe = re.sub(r"\*([^*]+)\*", r"<strong>\1</strong>", safe)
    return Markup(re.sub(OPEN, lambda _: str(escape(next(outside))), safe))  # noqa: S704 - escaped above
