"""Every sentence of the claim page that is not in its templates: the endings, the buttons, the notes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ending:
    """A page that gives nothing: its HTTP status, what happened, and what to do."""

    status: int
    title: str
    sentence: str
    next_step: str


_ASK_AGAIN = "Ask for the build again in Slack; a fresh link takes a second."

ENDINGS = {
    "spent": Ending(410, "This link was used", "It worked once, and somebody has used it.", _ASK_AGAIN),
    "expired": Ending(410, "This link is too old", "Links like this one live for a few minutes only.", _ASK_AGAIN),
    "cancelled": Ending(
        410,
        "There is a newer link",
        "This one was cancelled when another one was made for the same build.",
        "Open the newest link in Slack, or ask for the build again there.",
    ),
    "recalled": Ending(
        410,
        "This build was recalled",
        "Your team has taken it back, so it should not be installed any more.",
        "Ask in Slack which build to use instead.",
    ),
    "unknown": Ending(
        404,
        "This link is not known",
        "It may have been copied in part, or be more than a day old.",
        "Open it from Slack once more, or ask for the build again there.",
    ),
    "gone": Ending(
        410,
        "This build is gone",
        "It was deleted in Applivery, or removed by its retention policy.",
        "Ask in Slack for another build.",
    ),
    "not_processed": Ending(
        409,
        "This build is not ready yet",
        "Applivery is still processing it.",
        "Wait a moment and try again. Your link has not been used.",
    ),
    "unusable": Ending(
        409,
        "This build cannot be installed",
        "Applivery could not process it, so there is no file to give.",
        "Ask in Slack for another build.",
    ),
    "limited": Ending(
        429,
        "Too many wrong links",
        "Too many links that do not exist were opened from your network.",
        "Wait a minute, then open the link from Slack once more.",
    ),
    "method": Ending(405, "That cannot be done here", "This page can be opened, and its button pressed.", _ASK_AGAIN),
    # What happened and what to do are the error's own words.
    "failed": Ending(503, "That did not work", "", ""),
}

BUTTONS = {
    "install": "Install",
    "install_on_ipad": "Install on this iPad",
    "download": "Download the {file}",
    "download_attachment": "Download {file}",
    "again": "Try again",
}

# Before the button is pressed.
NOTES = {
    "for_apple": "This build is for {platform}. Open this page on such a device to install it.",
    "for_android": "This build is for Android and cannot be installed here.",
    "file_on_phone": "This is the file itself, for a computer. To install on this device, ask for *Install* in Slack.",
}

# After it was pressed.
AFTERWARDS = {
    "apple": "Your device will ask you to confirm. The app then appears on its home screen.",
    "android": "When it has loaded, open it. Android may ask you to allow this browser to install apps.",
}

# Above the QR code.
SCAN = {
    "install": "Scan to install on {device}",
    "other": "On another device?",
}

PLATFORMS = {
    "ios": "iPhone and iPad",
    "ipados": "iPad",
    "tvos": "Apple TV",
    "macos": "macOS",
    "android": "Android",
    "windows": "Windows",
}

DEVICES = {
    "ios": "an iPhone or iPad",
    "ipados": "an iPad",
    "tvos": "an Apple TV",
    "android": "an Android device",
}
