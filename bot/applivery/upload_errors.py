"""Messages for Applivery's upload errors: what failed, and the next step."""

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

# By Applivery's code; without one, by the kind of error.
_BY_CODE = {
    3001: (
        Text("This token can't see that app in Applivery (code 3001)."),
        Text("Check the app's name and whose token it is."),
    ),
    3002: (
        Text("The Applivery token has expired (code 3002)."),
        Text("Create a new token and replace the old one."),
    ),
    4002: (
        Text("Applivery couldn't read the token (code 4002)."),
        Text("Check that the token is set and copied completely."),
    ),
    4004: (
        Text("Applivery doesn't know the token (code 4004)."),
        Text("Check that you copied the whole token, and that it still exists in Applivery."),
    ),
    5004: (
        Text("Your Applivery plan doesn't include this way of uploading (code 5004)."),
        FeatureNotInPlan.admin_step,
    ),
    5006: (
        Text("Applivery couldn't use the file (code 5006): it's damaged or has the wrong format."),
        InvalidUpload.next_step,
    ),
    5024: (
        Text("This build's name is already used in Applivery (code 5024)."),
        Text("Choose another version name, or check whether this build already exists."),
    ),
}
_BY_KIND: tuple[tuple[type[AppliveryError], Text, Text], ...] = (
    (
        BuildNotProcessed,
        Text("A file can be attached once Applivery has processed the build."),
        Text("Try again when it's ready."),
    ),
    (
        NotFound,
        Text("This token can't see that app or build in Applivery."),
        Text("Check the names and whose token it is."),
    ),
    (
        Forbidden,
        Text("This token isn't allowed to upload."),
        Text("Its Service Account needs the role Developer or Admin."),
    ),
    (
        InvalidCredentials,
        Text("Applivery doesn't accept the token."),
        Text("Check that it's the right token and was copied completely."),
    ),
)


@dataclass(frozen=True, slots=True)
class Unended(Localized):
    """A sentence without its full stop."""

    sentence: Text

    def render(self, language: str | None = None) -> str:
        """Return the sentence in a language."""
        return self.sentence.render(language).rstrip(".")

    __str__ = Localized.__str__


_SAME_KIND = (InvalidCredentials, NotFound, Conflict, FeatureNotInPlan, InvalidUpload)


def worded(problem: AppliveryError) -> AppliveryError:
    """Return the error with a message for uploads, if there is one."""
    if isinstance(problem, WrongTokenKind) or problem.status == 413:
        return problem
    words = _BY_CODE.get(problem.code or 0) if isinstance(problem, _SAME_KIND) else None
    words = words or next(((text, step) for kind, text, step in _BY_KIND if isinstance(problem, kind)), None)
    if isinstance(problem, QuotaExceeded) and problem.code is not None:
        unended = Unended(problem.sentence)
        words = (Text("{sentence} (code {code}).", sentence=unended, code=problem.code), problem.admin_step)
    if words is None:
        return problem
    by_admin = isinstance(problem, InvalidCredentials | Forbidden | NotFound | FeatureNotInPlan | QuotaExceeded)
    sentence, step = words
    anyone, admin = (joined(" ", (NOTHING, then)) for then in (type(problem).next_step if by_admin else step, step))
    return type(problem)(sentence, anyone, admin, code=problem.code, status=problem.status)


WRONG_FAMILY = {
    "app token": (
        Text("The token in `APPLIVERY_TOKEN` is an App API Token. This needs the token of a Service Account."),
        Text(
            "Set it as `APPLIVERY_APP_TOKEN` and leave the app out. "
            "Or create a Service Account under Workspace Settings → Service Accounts."
        ),
    ),
    "service account": (
        Text("The token in `APPLIVERY_APP_TOKEN` belongs to a Service Account, not to an app."),
        Text("Set it as `APPLIVERY_TOKEN` together with `APPLIVERY_ORGANIZATION`, and name the app."),
    ),
}


def wrong_family(what: str, refused: InvalidCredentials) -> WrongTokenKind:
    """Return the error for a token of the other of the two APIs; `what` is the token's kind."""
    sentence, step = WRONG_FAMILY[what]
    anyone, admin = (joined(" ", (NOTHING, then)) for then in (WrongTokenKind.next_step, step))
    return WrongTokenKind(sentence, anyone, admin, code=refused.code, status=refused.status)
