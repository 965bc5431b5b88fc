"""Choose the buttons of the claim page for a ticket and a device, and the file of each button."""

from __future__ import annotations

from msgspec import Struct

from bot.domain.install import Browser, Device, file_word, is_android, nearest_kind, over_the_air, usual_kind
from bot.domain.model import Attachment, Build, FileKind
from bot.domain.tickets import Ticket
from bot.exceptions import NotFound
from bot.i18n import _, localize
from bot.web.claim.texts import NOTHING_TO_INSTALL, platform_name, scan_text

INSTALL, FILE = "install", "file"
DESKTOPS = (Device.MAC_OR_IPAD, Device.OTHER)


class SubmitOption(Struct, frozen=True):
    """A button of the form; `value` is the value of the field `as`."""

    label: str
    value: str


class InstallOptions(Struct, frozen=True):
    """The buttons, the likelier one first, the size of their file (bytes), and the text around them.

    `before` is above the buttons; `scan` is the heading of the QR code, None if there is no code.
    """

    buttons: tuple[SubmitOption, ...]
    file: str
    size: int | None = None
    before: str | None = None
    scan: str | None = None


class DownloadRequest(Struct, frozen=True):
    """The link to create, and whether it opens the device's installer instead of a download."""

    kind: FileKind
    install: bool = False


def wanted(ticket: Ticket, build: Build, device: Device, choice: str) -> DownloadRequest:
    """Return what a click on this device requests; `choice` is the button's value, which is ignored if unknown."""
    if ticket.file_id is not None:
        return DownloadRequest(ticket.kind)
    if ticket.kind is not FileKind.AUTO:
        return DownloadRequest(nearest_kind(build, ticket.kind))
    if not over_the_air(build):
        return DownloadRequest(usual_kind(build))
    if choice == INSTALL or (choice != FILE and device is Device.IPHONE):
        return DownloadRequest(FileKind.AUTO, install=True)
    return DownloadRequest(FileKind.FILE)


def offer(ticket: Ticket, build: Build, browser: Browser) -> InstallOptions:
    """Return the buttons to show. Raises NotFound if the ticket's attachment no longer exists."""
    device = browser.device
    if ticket.file_id is not None:
        attached = _attachment(build, ticket.file_id)
        label = _("Download {file}", file=attached.name)
        scan = _(NOTHING_TO_INSTALL) if device in DESKTOPS else None
        return InstallOptions((SubmitOption(label, FILE),), attached.name, attached.size, scan=scan)
    word = localize(file_word(build, wanted(ticket, build, device, "").kind))
    return InstallOptions(
        _buttons(ticket, build, device, word),
        word,
        None if ticket.kind is FileKind.AAB else build.size,  # Applivery sends only the size of the .apk
        _before(ticket, build, device),
        _scan(ticket, build) if device in DESKTOPS else None,
    )


def _attachment(build: Build, file_id: str) -> Attachment:
    for attachment in build.attachments:
        if attachment.id == file_id:
            return attachment
    raise NotFound


def _over_the_air(ticket: Ticket, build: Build) -> bool:
    return ticket.kind is FileKind.AUTO and over_the_air(build)


def _buttons(ticket: Ticket, build: Build, device: Device, word: str) -> tuple[SubmitOption, ...]:
    download = SubmitOption(_("Download the {file}", file=word), FILE)
    if not _over_the_air(ticket, build):
        return (download,)
    if device is Device.IPHONE:
        return (SubmitOption(_("Install"), INSTALL),)
    if device is Device.MAC_OR_IPAD:  # it may be an iPad, which identifies as a Mac and must be able to install too
        return (download, SubmitOption(_("Install on this iPad"), INSTALL))
    return (download,)


def _before(ticket: Ticket, build: Build, device: Device) -> str | None:
    if is_android(build):
        refused = _("This build is for Android. It can't be installed here.")
        return refused if device is Device.IPHONE else None
    if not over_the_air(build):
        return None
    if device is Device.ANDROID:
        return _(
            "This build is for {platform}. Open this page there to install it.",
            platform=platform_name(build),
        )
    if device is Device.IPHONE and not _over_the_air(ticket, build):
        return _("This is the file for a computer. To install it here, press *Install* in Slack.")
    return None


def _scan(ticket: Ticket, build: Build) -> str:
    to_install = ticket.kind is FileKind.AUTO and (over_the_air(build) or is_android(build))
    platform = "android" if is_android(build) else build.platform.casefold()
    return _((scan_text(platform) if to_install else "") or NOTHING_TO_INSTALL)
