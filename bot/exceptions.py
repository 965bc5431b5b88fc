"""What can go wrong, in the words the person reads: a sentence and the next step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from bot.i18n import _, gettext_noop, ngettext
from bot.i18n.verbatim import code, unmarked, verbatim


class BotError(Exception):
    """Anything a person should hear about: what happened, then what to do next.

    A class carries its default words, which are said in the language of the moment; a raise may give better ones, said
    already. `str()` is both together. An `everyday` problem explains itself; any other is shown with a reference that
    is also in the log. A `passing` one is over by itself: after `retry_after` seconds, as far as that is known, which
    `until` says with a `{time}`. `kind` is the word for it in the log, the metrics, the audit trail and `--json`: it
    stays when a class is renamed, since alerts and stored rows name it. `why` is what lies behind it as far as the
    place that raised it knew, in English, for the log.
    """

    kind: ClassVar[str] = "Problem"
    sentence = gettext_noop("Something went wrong.")
    next_step = gettext_noop("Please try again.")
    everyday = False
    passing = False
    retry_after = 0.0
    until = ""
    why = ""
    field: str | None = None  # of a form, which it is about

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if "kind" not in vars(cls):
            cls.kind = cls.__name__

    def __init__(self, sentence: str | None = None, next_step: str | None = None) -> None:
        defaults = type(self)
        self.sentence = sentence or _(defaults.sentence)
        self.next_step = next_step if next_step is not None else _(defaults.next_step) if defaults.next_step else ""
        super().__init__(unmarked(f"{self.sentence} {self.next_step}").strip())

    @property
    def detail(self) -> str:
        """What the other side said, in English for the log and admins; empty when this says nothing beyond its kind."""
        return self.why

    def __repr__(self) -> str:
        """Format for the log, always in English: the kind, and the detail from the other side."""
        return f"{self.kind}({self.detail})" if self.detail else self.kind


def kind_of(error: BaseException) -> str:
    """Return the word for this kind of error in the log, the metrics, the audit trail and `--json`."""
    kind = getattr(error, "kind", None)
    return kind if isinstance(kind, str) else type(error).__name__


def by_kind(kind: str) -> type[BotError] | None:
    """Return the class of this module with this `kind`; None for another's, or another version's."""
    return next(
        (type_ for type_ in globals().values() if isinstance(type_, type) and vars(type_).get("kind") == kind), None
    )


# ------------------------------------------------------------------ what the person typed


class UserInputError(BotError):
    """The words could not be used as they are."""

    kind = "BadInput"
    sentence = gettext_noop("I could not read that.")
    next_step = gettext_noop("Type the command with `help` after it to see how it goes.")
    everyday = True


class NotFoundByName(UserInputError):
    """An unknown name; `what` is a noun (said, or for later), `suggestions` are the closest names, best first."""

    def __init__(self, what: str, typed: str, suggestions: Sequence[str] = (), *, otherwise: str = "") -> None:
        self.typed = typed
        self.suggestions = tuple(suggestions)
        names = ", ".join(code(name) for name in self.suggestions)
        super().__init__(
            _("There is no {what} called “{name}”.", what=_(what), name=_short(typed)),
            _("Did you mean {names}?", names=names) if names else otherwise,
        )


class InvalidId(UserInputError):
    """Something that cannot be an Applivery id; found before any request was made. The sentence shows it: `{typed}`."""

    kind = "NotAnId"
    next_step = gettext_noop("Copy it from `builds`, or leave it out to get the newest one.")

    def __init__(self, sentence: str, typed: str) -> None:
        self.typed = typed
        super().__init__(_(sentence, typed=_short(typed)))


def _short(typed: str) -> str:
    return typed if len(typed) <= 60 else typed[:59] + "…"


class PermissionDenied(BotError):
    """This person may not do this here; `missing` is the role it takes, `channels` (ids) where it can be done.

    `reason` is a word of domain.states.Withdrawal, for what acts by itself and has to pause. `somewhere`: they have the
    role for no app at all, so the app they meant was not looked up.
    """

    kind = "Denied"
    sentence = gettext_noop("You may not do this here.")
    next_step = gettext_noop("Ask an admin of this bot.")
    everyday = True

    def __init__(
        self,
        sentence: str | None = None,
        next_step: str | None = None,
        *,
        missing: str | None = None,
        app_id: str | None = None,
        channels: Sequence[str] = (),
        reason: str = "",
        somewhere: bool = False,
    ) -> None:
        super().__init__(sentence, next_step)
        self.somewhere = somewhere
        self.missing = missing
        self.app_id = app_id
        self.channels = tuple(channels)
        self.reason = reason


class PermissionUnverified(PermissionDenied):
    """Whether this may be done cannot be checked now, so it is not; another try may be allowed."""

    kind = "Unchecked"
    sentence = gettext_noop("I can't check your access now.")
    next_step = gettext_noop("Please try again in a minute.")
    passing = True

    def wait_as(self, busy: BotError) -> PermissionUnverified:
        """The same, for as long as what kept us from checking lasts."""
        self.until, self.retry_after = busy.until, busy.retry_after
        return self


class ChannelUnverified(PermissionUnverified):
    """What Slack says of a channel is needed to allow this, and it says nothing usable now."""

    kind = "ChannelUnchecked"
    sentence = gettext_noop("I can't check this channel now.")
    next_step = gettext_noop("Try again in a minute.")


class BuildRecalled(BotError):
    """The build has been recalled, so no links are issued.

    `build` is its name, `reason` in the words of who did; `instead` is the newest one that stands: its name, and what
    its buttons carry.
    """

    kind = "Recalled"
    everyday = True

    def __init__(self, build: str, reason: str, instead: tuple[str, str] | None = None) -> None:
        self.reason = reason
        self.instead = instead
        super().__init__(
            _("⛔ {build} was recalled: “{reason}”.", build=verbatim(build), reason=reason),
            _("Take {build} instead: it is the newest that was not recalled.", build=verbatim(instead[0]))
            if instead
            else _("Ask your team which one to use."),
        )


class RateLimited(BotError):
    """The user's quota of links is exceeded for now."""

    kind = "TooEager"
    sentence = gettext_noop("That was a lot of links in a short time.")
    everyday = True

    def __init__(self, wait: float) -> None:
        super().__init__(next_step=again_in(max(1, round(wait))))


def again_in(seconds: int) -> str:
    """When to try again: in so many seconds, or minutes when it is two or more."""
    if seconds < 120:
        return ngettext("Please try again in {number} second.", "Please try again in {number} seconds.", seconds)
    return ngettext(
        "Please try again in {number} minute.", "Please try again in {number} minutes.", round(seconds / 60)
    )


class Overloaded(BotError):
    """More requests of one person, or of all, wait than are kept."""

    sentence = gettext_noop("Too many requests are waiting.")
    next_step = gettext_noop("Try again in a minute.")
    everyday = True
    passing = True


# ------------------------------------------------------------------ Applivery


class AppliveryError(BotError):
    """Applivery could not or would not; `code` is its own error code, `status` the HTTP one."""

    kind = "AppliveryProblem"
    sentence = gettext_noop("Applivery refused the request.")
    next_step = gettext_noop("Please try again in a minute.")

    def __init__(
        self,
        sentence: str | None = None,
        next_step: str | None = None,
        *,
        code: int | None = None,
        status: int | None = None,
        why: str = "",
    ) -> None:
        super().__init__(sentence, next_step)
        self.code = code
        self.status = status
        self.why = why

    @property
    def detail(self) -> str:
        """The HTTP status, Applivery's code, and what else is known."""
        status = f"HTTP {self.status}" if self.status else ""
        code = f"code {self.code}" if self.code is not None else ""
        return ", ".join(part for part in (status, code, self.why) if part)


class InvalidCredentials(AppliveryError):
    """Our Service Account token is missing, wrong or expired (2001, 3002, 4002, 4004, any other 401)."""

    kind = "CredentialRefused"
    sentence = gettext_noop("Applivery does not accept this bot's credential.")
    next_step = gettext_noop("An admin has to renew `APPLIVERY_TOKEN` (Workspace Settings → Service Accounts).")


class TwoFactorRequired(InvalidCredentials):
    """The credential is a log-in that wants a second factor (4014)."""

    kind = "TwoFactorNeeded"
    sentence = gettext_noop(
        "Applivery asks this bot for a two-factor code, so the configured token is a person's log-in."
    )
    next_step = gettext_noop("An admin has to use a Service Account token in `APPLIVERY_TOKEN` instead.")


class WrongTokenKind(InvalidCredentials):
    """The token is good, but for the other of Applivery's two APIs."""

    kind = "WrongToken"
    sentence = gettext_noop("That token is for the other of Applivery's two APIs.")


class Forbidden(AppliveryError):
    """The credential is good but may not do this (403)."""

    kind = "PermissionMissing"
    sentence = gettext_noop("This bot's Service Account may not do that in Applivery.")
    next_step = gettext_noop("An admin can raise its role under Workspace Settings → Service Accounts.")


class NotFound(AppliveryError):
    """No such thing, or not visible to us (3001, 4001, any other 404)."""

    kind = "Gone"
    sentence = gettext_noop("Applivery no longer has that, or this bot may not see it.")
    next_step = gettext_noop(
        "It may have been deleted, or removed by your retention policy; list what there is with `builds`."
    )
    everyday = True


class WorkspaceNotFound(AppliveryError):
    """There is no such workspace, or our credential does not see it: what is in it cannot be told to be gone."""

    kind = "WorkspaceMissing"
    sentence = gettext_noop("Applivery does not know this bot's workspace, or does not show it to this bot.")
    next_step = gettext_noop("An admin has to check `APPLIVERY_ORGANIZATION` and `APPLIVERY_TOKEN`.")


class LinkExpired(AppliveryError):
    """A download token was used up or is too old (4005)."""

    sentence = gettext_noop("That download link has expired.")
    next_step = gettext_noop("Ask for a fresh one; it takes a second.")
    everyday = True


class QuotaExceeded(AppliveryError):
    """A limit of the plan is used up (5003)."""

    kind = "QuotaReached"
    sentence = gettext_noop("Your Applivery workspace has reached a limit of its plan.")
    next_step = gettext_noop("An Applivery admin can see it under Workspace Settings → Billing.")
    everyday = True


class FeatureNotInPlan(AppliveryError):
    """The plan does not include this (5004)."""

    kind = "PlanLacks"
    sentence = gettext_noop("Your Applivery plan does not include this.")
    next_step = gettext_noop("An Applivery admin can change the plan under Workspace Settings → Billing.")
    everyday = True


class UnsupportedFile(UserInputError):
    """A file that cannot become a build, or not be attached; found before anything was sent."""

    kind = "UnusableFile"
    sentence = gettext_noop("Applivery cannot take that file.")
    next_step = gettext_noop("Check that it is the right one.")


class FileReadError(BotError):
    """The file could not be read to its end where it lies, so Applivery got no whole file and made nothing of it."""

    kind = "FileLost"
    sentence = gettext_noop("The file could not be read to its end.")
    next_step = gettext_noop("Nothing was uploaded. Please try again with the whole file.")
    everyday = True


class UploadOutcomeUnknown(BotError):
    """The connection broke while a file was sent, and no build shows that it arrived."""

    kind = "UploadUnsure"
    sentence = gettext_noop("The connection to Applivery broke during the upload.")
    next_step = gettext_noop("Look at the builds of the app before you upload it again.")
    everyday = True


class InvalidUpload(AppliveryError):
    """Applivery could not use the file (5006)."""

    kind = "UploadRejected"
    sentence = gettext_noop("Applivery could not use that file.")
    next_step = gettext_noop("Check that it is a complete build in one of the supported formats.")
    everyday = True


class BuildNotProcessed(AppliveryError):
    """The build is not ready, so no token can be made (5014)."""

    kind = "NotProcessed"
    sentence = gettext_noop("Applivery has not finished processing this build.")
    next_step = gettext_noop("Try again in a minute.")
    everyday = True


class Conflict(AppliveryError):
    """A name is already used (5024)."""

    kind = "NameTaken"
    sentence = gettext_noop("That name is already used in Applivery.")
    next_step = gettext_noop("Choose another one.")
    everyday = True


class RequestRejected(AppliveryError):
    """Applivery did not accept what we sent (6002, any other 4xx)."""

    kind = "RequestRefused"
    sentence = gettext_noop("Applivery did not accept the request.")
    next_step = gettext_noop("If it happens again, tell an admin of this bot.")


class AppliveryRateLimited(AppliveryError):
    """Applivery asks us to slow down (429); `retry_after` is in seconds."""

    kind = "TooManyRequests"
    sentence = gettext_noop("Applivery is busy.")
    until = gettext_noop("Applivery is busy, try again at {time}.")
    passing = True

    def __init__(self, *, retry_after: float = 2.0, code: int | None = None, status: int | None = 429) -> None:
        super().__init__(next_step=again_in(max(1, math.ceil(retry_after))), code=code, status=status)
        self.retry_after = retry_after


class ServiceUnavailable(AppliveryError):
    """No answer in time, a broken connection, or a 5xx."""

    kind = "AppliveryDown"
    passing = True
    sentence = gettext_noop("Applivery is not answering right now.")
    next_step = gettext_noop("Nothing was lost; please try again in a minute.")


class InvalidResponse(AppliveryError):
    """An answer that is not what the API describes."""

    kind = "Unreadable"
    sentence = gettext_noop("This bot does not understand Applivery's answer.")
    next_step = gettext_noop("Please try again; if it happens again, tell an admin of this bot.")


class ResponseTooLarge(AppliveryError):
    """An answer has more bytes, or more values, than are read at once."""

    kind = "AnswerTooLarge"
    sentence = gettext_noop("Applivery's answer is too large for this bot to read.")
    next_step = gettext_noop("Ask for less, like one build or a shorter period. If it happens again, tell an admin.")


class BudgetExhausted(AppliveryError):
    """This bot's own hourly allowance of Applivery requests is used up."""

    kind = "BudgetSpent"
    sentence = gettext_noop("This bot has used up its hourly allowance of Applivery requests.")
    next_step = gettext_noop("Please try again in a few minutes.")
    everyday = True


# ------------------------------------------------------------------ Slack


class SlackError(BotError):
    """Slack could not or would not; `code` is Slack's own error name."""

    kind = "SlackProblem"
    sentence = gettext_noop("Slack refused the message.")
    next_step = gettext_noop("Please try again in a minute.")

    def __init__(self, sentence: str | None = None, next_step: str | None = None, *, code: str = "") -> None:
        super().__init__(sentence, next_step)
        self.code = code

    @property
    def detail(self) -> str:
        """Slack's own name for it."""
        return self.code


class ChannelUnavailable(SlackError):
    """The bot cannot post in the channel; a retry does not help until a user acts."""

    kind = "ChannelRefused"
    sentence = gettext_noop("I cannot post in that channel.")
    next_step = gettext_noop("Invite me there first: `/invite @Applivery`.")
    everyday = True


class MessageRejected(SlackError):
    """Slack will not take this very message, now or later."""

    kind = "MessageRefused"
    sentence = gettext_noop("Slack would not take that message.")
    next_step = gettext_noop("Tell an admin of this bot; the reference is in the log.")


class SlackRateLimited(SlackError):
    """Slack asks us to wait; `retry_after` is in seconds. Nothing was posted."""

    kind = "SlackBusy"
    sentence = gettext_noop("Slack is busy.")
    until = gettext_noop("Slack is busy, try again at {time}.")
    passing = True

    def __init__(self, *, retry_after: float = 1.0, code: str = "ratelimited") -> None:
        super().__init__(next_step=again_in(max(1, math.ceil(retry_after))), code=code)
        self.retry_after = retry_after


class DeliveryUnknown(SlackError):
    """The connection broke or Slack failed inside: the message may or may not be there."""

    kind = "SlackUnsure"
    sentence = gettext_noop("Slack did not say whether it took the message.")


class DuplicateMessage(DeliveryUnknown):
    """Slack says that it has this message; whether it does is to be looked up."""

    kind = "SlackDuplicate"
    sentence = gettext_noop("Slack says that it has this message already.")
    next_step = gettext_noop("If you can't see it, try again.")


class SlackResponseTooLarge(DeliveryUnknown):
    """An answer of Slack's has more bytes, or more values, than are read at once, or more pages."""

    kind = "SlackAnswerTooLarge"
    sentence = gettext_noop("Slack's answer is too large for this bot to read.")
    next_step = gettext_noop("Try again in a minute. If it happens again, tell an admin.")


class SlackInvalidCredentials(SlackError):
    """Our bot token is revoked or wrong."""

    kind = "SlackCredentialRefused"
    sentence = gettext_noop("Slack does not accept this bot's token.")
    next_step = gettext_noop("An admin has to reinstall the app and renew `SLACK_BOT_TOKEN`.")


# ------------------------------------------------------------------ starting


class StartupError(BotError):
    """The service cannot run here as it is set up; the process ends with exit code 1."""

    kind = "CannotStart"
    next_step = ""


# ------------------------------------------------------------------ what we remember


class DatabaseUnavailable(BotError):
    """The database did not answer, or broke off; the driver's own words are in `__cause__`."""

    kind = "StoreDown"
    sentence = gettext_noop("This bot's database is not answering right now.")
    next_step = gettext_noop("Please try again in a minute.")
