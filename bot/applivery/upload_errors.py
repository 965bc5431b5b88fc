"""Upload errors of Applivery as sentences for the uploader: what did not happen, and the next step."""

from __future__ import annotations

from dataclasses import dataclass

from bot.exceptions import (
    AppliveryError,
    BuildNotProcessed,
    Conflict,
    FeatureNotInPlan,
    Forbidden,
    InvalidCredentials,
    InvalidUpload,
    NotFound,
    QuotaExceeded,
    WrongTokenKind,
)
from bot.i18n import Localized, Text, joined

NOTHING = Text("Nothing was uploaded.")

# By Applivery's code; without one, by the kind of refusal.
_BY_CODE = {
    3001: (
        Text("Applivery has no such app for this credential (code 3001)."),
        Text("Check the app's name, and whose token it is."),
    ),
    3002: (
        Text("Applivery says that the token has expired (code 3002)."),
        Text("Make a new one, and put it in place of the old."),
    ),
    4002: (
        Text("Applivery saw no token it understands (code 4002)."),
        Text("Check that the token is set, and copied whole."),
    ),
    4004: (
        Text("Applivery does not know the token (code 4004)."),
        Text("Check that it was copied whole and was not deleted."),
    ),
    5004: (
        Text("Your Applivery plan does not include this way of uploading (code 5004)."),
        Text("An Applivery admin can change the plan under Workspace Settings → Billing."),
    ),
    5006: (
        Text("Applivery could not use the file (code 5006): the wrong kind, or damaged."),
        Text("Check that it is a whole build in one of the documented formats."),
    ),
    5024: (
        Text("Applivery says that a name in this upload is already used (code 5024)."),
        Text("Choose another version name, or look whether this build is there already."),
    ),
}
_BY_KIND: tuple[tuple[type[AppliveryError], Text, Text], ...] = (
    (
        BuildNotProcessed,
        Text("A file can be attached once Applivery has processed the build."),
        Text("Try again when it is ready."),
    ),
    (
        NotFound,
        Text("Applivery has no such app or build for this credential."),
        Text("Check the names, and whose token it is."),
    ),
    (
        Forbidden,
        Text("This credential may not upload."),
        Text("Its Service Account needs the role Developer or Admin."),
    ),
    (
        InvalidCredentials,
        Text("Applivery does not accept the token."),
        Text("Check that it is the right one, copied whole."),
    ),
)


@dataclass(frozen=True, slots=True)
class Unended(Localized):
    """A sentence without its full stop."""

    sentence: Text

    def render(self, language: str | None = None) -> str:
        """Return it in the language."""
        return self.sentence.render(language).rstrip(".")

    __str__ = Localized.__str__


_SAME_KIND = (InvalidCredentials, NotFound, Conflict, FeatureNotInPlan, InvalidUpload)


def worded(problem: AppliveryError) -> AppliveryError:
    """Return the same error in an uploader's words; one that is clear enough keeps its sentence."""
    if isinstance(problem, WrongTokenKind) or problem.status == 413:
        return problem
    words = _BY_CODE.get(problem.code or 0) if isinstance(problem, _SAME_KIND) else None
    words = words or next(((text, step) for kind, text, step in _BY_KIND if isinstance(problem, kind)), None)
    if isinstance(problem, QuotaExceeded) and problem.code is not None:
        unended = Unended(problem.sentence)
        words = (Text("{sentence} (code {code}).", sentence=unended, code=problem.code), problem.next_step)
    if words is None:
        return problem
    sentence, step = words
    return type(problem)(sentence, joined(" ", (NOTHING, step)), code=problem.code, status=problem.status)


WRONG_FAMILY = {
    "app token": (
        Text("The token in `APPLIVERY_TOKEN` is an App API Token, and this needs a Service Account's."),
        Text(
            "An App API Token is for one app: put it in `APPLIVERY_APP_TOKEN` and leave the app out, "
            "or make a Service Account under Workspace Settings → Service Accounts."
        ),
    ),
    "service account": (
        Text("The token in `APPLIVERY_APP_TOKEN` is a Service Account's, and not an app's."),
        Text("Put it in `APPLIVERY_TOKEN`, with `APPLIVERY_ORGANIZATION` beside it, and name the app."),
    ),
}


def wrong_family(what: str, refused: InvalidCredentials) -> WrongTokenKind:
    """Return the error when a token is good, but for the other of the two APIs; `what` is what it is."""
    sentence, step = WRONG_FAMILY[what]
    return WrongTokenKind(sentence, joined(" ", (NOTHING, step)), code=refused.code, status=refused.status)
