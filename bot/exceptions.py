"""Exceptions: a message and the next step, translated when they are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from bot.i18n import NO_TEXT, Counted, Localized, Text, gettext_noop, joined
from bot.i18n.verbatim import code, unmarked, verbatim

ADMINS_FIX = Text("Only an admin of this bot can fix this.")
IN_THE_LOG = Text("If it happens again, check the bot's log.")


Choice = tuple[str | Localized, str]  # the label of a button, and what to type


class BotError(Exception):
    """An error to show to a user: what happened, then what to do next.

    A class has default messages; an instance may have more specific ones. `str()` is both in English. An `everyday`
    error explains itself; any other is shown with a reference that is also in the log. A `passing` one may succeed at
    the next try: after `retry_after` seconds, if known, which `until` states with a `{time}`. `kind` is its name in the
    log, the metrics, the audit log and `--json`: it stays when a class is renamed, since alerts and stored rows contain
    it. `why` is the cause, in English, for the log.

    `next_step` is what any user can do; `admin_step` what an admin or operator of the bot can do, which members do not
    see.
    """

    kind: ClassVar[str] = "Problem"
    everyday: ClassVar[bool] = False
    passing: bool = False
    sentence: Text = Text("Something went wrong.")
    next_step: Text = Text("Try again. If it happens again, tell an admin of this bot.")
    admin_step: Text = Text("Try again. If it happens again, check the bot's log.")
    until: str = ""  # a message id
    retry_after = 0.0
    why = ""
    field: str | None = None  # the field of a form that caused it
    commands: tuple[Choice, ...] = ()  # whole commands to continue with

    def __init_subclass__(cls, *, kind: str = "", everyday: bool | None = None, passing: bool | None = None) -> None:
        super().__init_subclass__()
        cls.kind = kind or cls.__name__
        cls.everyday = cls.everyday if everyday is None else everyday
        cls.passing = cls.passing if passing is None else passing

    def __init__(
        self, sentence: Text | None = None, next_step: Text | None = None, admin_step: Text | None = None
    ) -> None:
        super().__init__()
        if sentence:
            self.sentence = sentence
        if next_step is not None:
            self.next_step, self.admin_step = next_step, NO_TEXT
        if admin_step is not None:
            self.admin_step = admin_step

    def __str__(self) -> str:
        return unmarked(str(joined(" ", (self.sentence, self.step_for(admin=True)))))

    def step_for(self, *, admin: bool) -> Text:
        """Return the next step for an admin or operator, or for any other user."""
        return (self.admin_step if admin else NO_TEXT) or self.next_step

    @property
    def detail(self) -> str:
        """The details from the other service, in English for the log and admins; empty without any."""
        return self.why

    def __repr__(self) -> str:
        """Return the kind and the details, for the log."""
        return f"{self.kind}({self.detail})" if self.detail else self.kind


class UnexpectedError(BotError, kind=BotError.kind, passing=True):
    """A bug of this bot; the details are in the log under the reference."""

    sentence = Text("Something went wrong on our side.")


def kind_of(error: BaseException) -> str:
    """Return the error's kind, its name in the log, the metrics, the audit log and `--json`."""
    kind = getattr(error, "kind", None)
    return kind if isinstance(kind, str) else type(error).__name__


def by_kind(kind: str) -> type[BotError] | None:
    """Return the class of this module with this `kind`; None for unknown kinds."""
    return next(
        (type_ for type_ in globals().values() if isinstance(type_, type) and vars(type_).get("kind") == kind), None
    )


# ------------------------------------------------------------------ user input


NAMED = 8  # choices listed in a sentence


class UserInputError(BotError, kind="BadInput", everyday=True):
    """The input is not usable as typed.

    `choices` are valid values, best first, if known: those `near` to the input, or else `every` one. A choice's text
    replaces `replaces` in the command (appended if that is empty), or is a whole command if it is None. `commands` are
    whole commands to continue with. All become buttons in Slack, below `question`; elsewhere the next step lists them.
    """

    sentence = Text("I couldn't understand the command.")
    next_step = Text("For examples, type `help` and the command's name, such as `help get`.")
    admin_step = NO_TEXT
    question: Text = NO_TEXT

    def __init__(
        self,
        sentence: Text | None = None,
        next_step: Text | None = None,
        *,
        near: Sequence[str | Choice] = (),
        every: Sequence[str | Choice] = (),
        replaces: str | None = "",
        commands: Sequence[Choice] = (),
    ) -> None:
        self.choices: tuple[Choice, ...] = tuple((it, it) if isinstance(it, str) else it for it in near or every)
        self.replaces = replaces
        self.commands = tuple(commands)
        if self.choices:
            self.question = next_step or (Text("Did you mean:") if near else Text("Choose one:"))
            if next_step is None:
                names = _named(self.choices)
                next_step = Text("Did you mean {names}?", names=names) if near else Text("Choose {names}.", names=names)
        elif self.commands and next_step is None:
            next_step = NO_TEXT
        super().__init__(sentence, next_step)


def _named(choices: Sequence[Choice]) -> Text:
    """Return the first of the choices as part of a sentence: `a`, `b` or `c`."""
    *names, last = [code(label) if isinstance(label, str) else label for label, _ in choices[:NAMED]]
    if len(choices) > NAMED:
        names, last = [*names, last], Text("another one")
    return Text("{some} or {last}", some=joined(", ", names), last=last) if names else joined("", (last,))


class NotFoundByName(UserInputError):
    """An unknown name; `what` is a noun. Its buttons are the names `near` to it, or `every` one; else `otherwise`."""

    def __init__(
        self,
        what: Text,
        typed: str,
        near: Sequence[str | Choice] = (),
        *,
        every: Sequence[str | Choice] = (),
        otherwise: Text = NO_TEXT,
        replaces: str | None = None,
        commands: Sequence[Choice] = (),
    ) -> None:
        self.typed = typed
        self.suggestions = tuple(name if isinstance(name, str) else str(name[0]) for name in near)
        super().__init__(
            Text("There is no {what} called “{name}”.", what=what, name=_short(typed)),
            None if near or every else otherwise,
            near=near,
            every=every,
            replaces=typed if replaces is None else replaces,
            commands=commands,
        )


class Outdated(UserInputError, kind="OutOfDate"):
    """A button, form or shortcut that this version, or the database, no longer knows."""

    sentence = Text("This button is out of date.")
    next_step = Text("Run the command again.")

    def __init__(
        self, sentence: Text | None = None, next_step: Text | None = None, *, commands: Sequence[Choice] = ()
    ) -> None:
        super().__init__(
            sentence,
            self.next_step if next_step is None else next_step,
            commands=commands or ((Text("Open menu"), "menu"),),
        )


class InvalidId(UserInputError, kind="NotAnId"):
    """A text that cannot be an Applivery id, found before any request. The message contains it as `{typed}`."""

    next_step = Text("Leave it out to get the newest one.")

    def __init__(self, sentence: str, typed: str) -> None:
        self.typed = typed
        super().__init__(
            Text(sentence, typed=_short(typed)), self.next_step, commands=((Text("See builds"), "builds"),)
        )


def _name(build: str | Localized) -> str | Localized:
    return verbatim(build) if isinstance(build, str) else build


def _short(typed: str) -> str:
    return typed if len(typed) <= 60 else typed[:59] + "…"


class PermissionDenied(BotError, kind="Denied", everyday=True):
    """The user may not do this here; `missing` is the required role, `channels` (ids) are where it is possible.

    `reason` is a value of domain.states.Withdrawal, for subscriptions and watches that must pause. `somewhere`: the
    user has the role for no app, so the named app was not looked up.
    """

    sentence = Text("You can't do this here.")
    next_step = Text("Ask an admin for access.")
    admin_step = NO_TEXT

    def __init__(
        self,
        sentence: Text | None = None,
        next_step: Text | None = None,
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


class PermissionUnverified(PermissionDenied, kind="Unchecked", passing=True):
    """The permission cannot be checked now, so the action is refused; a retry may succeed."""

    sentence = Text("I can't check your access right now.")
    next_step = Text("Try again in a minute.")

    def wait_as(self, cause: BotError) -> PermissionUnverified:
        """Return this error with the retry times of its cause; a cause that an admin must fix is not temporary."""
        self.until, self.retry_after = cause.until, cause.retry_after
        if cause.next_step == ADMINS_FIX:
            self.passing, self.next_step, self.admin_step = False, cause.next_step, cause.admin_step
        return self


class ChannelUnverified(PermissionUnverified, kind="ChannelUnchecked"):
    """The channel's record is required to allow this, but not available from Slack now."""

    sentence = Text("I can't check this channel right now.")
    next_step = Text("Try again in a minute.")


class BuildRecalled(BotError, kind="Recalled", everyday=True):
    """The build has been recalled, so no links are issued.

    `build` is its name, `reason` the text of the user who recalled it; `instead` is the name and button value of the
    newest build that is not recalled.
    """

    def __init__(self, build: str | Localized, reason: str, instead: tuple[str | Localized, str] | None = None) -> None:
        self.reason = reason
        self.instead = instead
        super().__init__(
            Text("⛔ {build} was recalled: “{reason}”.", build=_name(build), reason=reason),
            Text("Latest available build: {build}.", build=_name(instead[0]))
            if instead
            else Text("Ask your team which build to use."),
        )


class RateLimited(BotError, kind="TooEager", everyday=True, passing=True):
    """The user's quota of links is exceeded for now."""

    sentence = Text("You asked for too many links in a short time.")

    def __init__(self, wait: float) -> None:
        super().__init__(next_step=again_in(max(1, round(wait))))


def again_in(seconds: int) -> Text:
    """Return when to try again: in seconds, or in minutes from two minutes on."""
    if seconds < 120:
        return Counted("Try again in {number} second.", "Try again in {number} seconds.", seconds)
    return Counted("Try again in {number} minute.", "Try again in {number} minutes.", round(seconds / 60))


class Overloaded(BotError, everyday=True, passing=True):
    """Too many requests of one user, or of all users, are waiting."""

    sentence = Text("Too many requests right now.")
    next_step = Text("Nothing was done. Try again in a minute.")
    admin_step = NO_TEXT


# ------------------------------------------------------------------ Applivery


class AppliveryError(BotError, kind="AppliveryProblem"):
    """A request to Applivery failed; `code` is Applivery's error code, `status` the HTTP status."""

    sentence = Text("Applivery refused the request.")
    next_step = Text("If it happens again, tell an admin of this bot.")
    admin_step = IN_THE_LOG

    def __init__(
        self,
        sentence: Text | None = None,
        next_step: Text | None = None,
        admin_step: Text | None = None,
        *,
        code: int | None = None,
        status: int | None = None,
        why: str = "",
    ) -> None:
        super().__init__(sentence, next_step, admin_step)
        self.code = code
        self.status = status
        self.why = why

    @property
    def detail(self) -> str:
        """The HTTP status, Applivery's code, and other details."""
        status = f"HTTP {self.status}" if self.status else ""
        code = f"code {self.code}" if self.code is not None else ""
        return ", ".join(part for part in (status, code, self.why) if part)


class InvalidCredentials(AppliveryError, kind="CredentialRefused"):
    """The Service Account token is missing, wrong or expired (2001, 3002, 4002, 4004, any other 401)."""

    sentence = Text("Applivery doesn't accept this bot's token.")
    next_step = ADMINS_FIX
    admin_step = Text("Create a new token under Workspace Settings → Service Accounts and set it as `APPLIVERY_TOKEN`.")


class TwoFactorRequired(InvalidCredentials, kind="TwoFactorNeeded"):
    """The credential is a log-in that requires a second factor (4014)."""

    sentence = Text("Applivery wants a two-factor code, which this bot doesn't have.")
    admin_step = Text("`APPLIVERY_TOKEN` is a person's log-in. Use the token of a Service Account instead.")


class WrongTokenKind(InvalidCredentials, kind="WrongToken"):
    """The token is valid, but for the other of Applivery's two APIs."""

    sentence = Text("That token is for a different Applivery API.")


class Forbidden(AppliveryError, kind="PermissionMissing"):
    """The credential is valid but lacks the permission (403)."""

    sentence = Text("This bot isn't allowed to do that in Applivery.")
    next_step = ADMINS_FIX
    admin_step = Text(
        "In Applivery, give the bot's Service Account a higher role: Workspace Settings → Service Accounts."
    )


class NotFound(AppliveryError, kind="Gone", everyday=True):
    """The object does not exist, or the bot cannot see it (3001, 4001, any other 404)."""

    sentence = Text("Applivery no longer has this item, or the bot can't see it.")
    next_step = Text("It may have been deleted.")
    admin_step = NO_TEXT
    commands = ((Text("See builds"), "builds"),)


class WorkspaceNotFound(AppliveryError, kind="WorkspaceMissing"):
    """The workspace does not exist, or the credential cannot see it; whether an object in it exists is unknown."""

    sentence = Text("This bot can't find its Applivery workspace.")
    next_step = ADMINS_FIX
    admin_step = Text("Check `APPLIVERY_ORGANIZATION` and `APPLIVERY_TOKEN`.")


class LinkExpired(AppliveryError, everyday=True):
    """A download token was used or has expired (4005)."""

    sentence = Text("This download link has expired.")
    next_step = Text("Get a new link.")
    admin_step = NO_TEXT


class QuotaExceeded(AppliveryError, kind="QuotaReached", everyday=True):
    """A limit of the plan is reached (5003): its name, value and use, if known."""

    sentence = Text("Your Applivery workspace has reached its plan's limit.")
    next_step = Text("Ask an admin of your Applivery workspace.")
    admin_step = Text("See Workspace Settings → Billing in Applivery.")
    item: str | None = None
    limit: int | None = None
    used: int | None = None


class FeatureNotInPlan(AppliveryError, kind="PlanLacks", everyday=True):
    """The plan does not include this (5004)."""

    sentence = Text("Your Applivery plan doesn't include this.")
    next_step = Text("Ask an admin of your Applivery workspace.")
    admin_step = Text("You can change the plan under Workspace Settings → Billing in Applivery.")


class UnsupportedFile(UserInputError, kind="UnusableFile"):
    """A file that cannot be uploaded or attached; found before anything was sent."""

    sentence = Text("Applivery can't use that file.")
    next_step = Text("Check that it's the right one.")


class FileReadError(BotError, kind="FileLost", everyday=True):
    """The source file could not be read completely, so Applivery received no complete file and created nothing."""

    sentence = Text("The file couldn't be read completely.")
    next_step = Text("Nothing was uploaded. Try again with the whole file.")
    admin_step = NO_TEXT


class UploadOutcomeUnknown(BotError, kind="UploadUnsure", everyday=True):
    """The connection broke during an upload, and no build shows that it arrived."""

    sentence = Text("The connection to Applivery broke during the upload.")
    next_step = Text("Check the app's builds before you upload it again.")
    admin_step = NO_TEXT


class InvalidUpload(AppliveryError, kind="UploadRejected", everyday=True):
    """Applivery could not use the file (5006)."""

    sentence = Text("Applivery couldn't use that file.")
    next_step = Text("Check that it's a complete build in a supported format.")
    admin_step = NO_TEXT


class BuildNotProcessed(AppliveryError, kind="NotProcessed", everyday=True, passing=True):
    """The build is not ready, so no token can be created (5014)."""

    sentence = Text("Applivery is still processing this build.")
    next_step = Text("Try again in a minute.")
    admin_step = NO_TEXT


class Conflict(AppliveryError, kind="NameTaken", everyday=True):
    """A name is already used (5024)."""

    sentence = Text("That name is already used in Applivery.")
    next_step = Text("Choose another name.")
    admin_step = NO_TEXT


class RequestRejected(AppliveryError, kind="RequestRefused"):
    """Applivery rejected the request (6002, any other 4xx)."""

    sentence = Text("Applivery didn't accept the request.")


class AppliveryRateLimited(AppliveryError, kind="TooManyRequests", passing=True):
    """Applivery's rate limit is exceeded (429); `retry_after` is in seconds."""

    sentence = Text("Applivery is busy.")
    until = gettext_noop("Applivery is busy. Try again at {time}.")

    def __init__(self, *, retry_after: float = 2.0, code: int | None = None, status: int | None = 429) -> None:
        super().__init__(next_step=again_in(max(1, math.ceil(retry_after))), code=code, status=status)
        self.retry_after = retry_after


class ServiceUnavailable(AppliveryError, kind="AppliveryDown", passing=True):
    """No answer in time, a broken connection, or a 5xx."""

    sentence = Text("Applivery isn't answering right now.")
    next_step = Text("Nothing was lost. Try again in a minute.")
    admin_step = NO_TEXT


class InvalidResponse(AppliveryError, kind="Unreadable", passing=True):
    """A response that does not match the API's documentation."""

    sentence = Text("Applivery sent a response this bot doesn't understand.")
    next_step = BotError.next_step
    admin_step = BotError.admin_step


class ResponseTooLarge(AppliveryError, kind="AnswerTooLarge"):
    """A response has more bytes, or more values, than are read at once."""

    sentence = Text("Applivery sent more data than this bot can read.")
    next_step = Text("Ask for less, such as one build or a shorter period.")
    admin_step = NO_TEXT


class BudgetExhausted(AppliveryError, kind="BudgetSpent", everyday=True, passing=True):
    """The bot's own hourly budget of Applivery requests is used up."""

    sentence = Text("This bot has reached its hourly limit of Applivery requests.")
    next_step = Text("Try again in a few minutes.")
    admin_step = NO_TEXT


# ------------------------------------------------------------------ Slack


class SlackError(BotError, kind="SlackProblem"):
    """A request to Slack failed; `code` is Slack's error code."""

    sentence = Text("Slack refused the message.")
    next_step = Text("If it happens again, tell an admin of this bot.")
    admin_step = IN_THE_LOG

    def __init__(
        self,
        sentence: Text | None = None,
        next_step: Text | None = None,
        admin_step: Text | None = None,
        *,
        code: str = "",
    ) -> None:
        super().__init__(sentence, next_step, admin_step)
        self.code = code

    @property
    def detail(self) -> str:
        """Slack's error code."""
        return self.code


class FeatureOff(SlackError, everyday=True):
    """The bot was installed without the optional scope `scope`, so it can't do this; `refusal` (a message id with
    `{scope}`) says so.
    """

    sentence = Text("This feature is off: an admin can add an optional permission.")
    next_step = NO_TEXT
    admin_step = Text("Add it at api.slack.com/apps → OAuth & Permissions and reinstall the app.")

    def __init__(self, refusal: str, scope: str) -> None:
        super().__init__(Text(refusal, scope=scope), code="missing_scope")
        self.scope = scope


class ChannelUnavailable(SlackError, kind="ChannelRefused", everyday=True):
    """The bot cannot post in the channel; a retry does not help until a user acts."""

    sentence = Text("I can't post in that channel.")
    next_step = Text("Invite me to the channel first.")
    admin_step = NO_TEXT

    def __init__(
        self,
        sentence: Text | None = None,
        next_step: Text | None = None,
        admin_step: Text | None = None,
        *,
        code: str = "",
        is_here: bool = False,
    ) -> None:
        """`is_here`: it is the channel of the request, and the user may choose another one."""
        super().__init__(sentence, next_step, admin_step, code=code)
        self.is_here = is_here


class MessageRejected(SlackError, kind="MessageRefused"):
    """Slack rejects this message for good."""

    sentence = Text("Slack didn't accept that message.")


class SlackRateLimited(SlackError, kind="SlackBusy", passing=True):
    """Slack's rate limit is exceeded; `retry_after` is in seconds. Nothing was posted."""

    sentence = Text("Slack is busy.")
    until = gettext_noop("Slack is busy. Try again at {time}.")

    def __init__(self, *, retry_after: float = 1.0, code: str = "ratelimited") -> None:
        super().__init__(next_step=again_in(max(1, math.ceil(retry_after))), code=code)
        self.retry_after = retry_after


class DeliveryUnknown(SlackError, kind="SlackUnsure"):
    """The connection broke or Slack failed internally: whether the message was posted is unknown."""

    sentence = Text("Slack didn't confirm the message.")
    next_step = Text("Before you try again, check in Slack whether it arrived.")
    admin_step = NO_TEXT


class SlackSilent(DeliveryUnknown, kind="SlackSilent", passing=True):
    """Slack gave no response, or an incomplete one, to a request that posts no message."""

    sentence = Text("Slack isn't answering right now.")
    next_step = BotError.next_step
    admin_step = BotError.admin_step


class DuplicateMessage(DeliveryUnknown, kind="SlackDuplicate"):
    """Slack reports a duplicate of this message, which must be looked up."""

    sentence = Text("Slack says it already has this message.")
    next_step = Text("If you can't see it, try again.")


class SlackResponseTooLarge(DeliveryUnknown, kind="SlackAnswerTooLarge"):
    """A response of Slack has more bytes or values than are read at once, or more pages."""

    sentence = Text("Slack sent more data than this bot can read.")
    next_step = BotError.next_step
    admin_step = BotError.admin_step


class SlackInvalidCredentials(SlackError, kind="SlackCredentialRefused"):
    """The bot token is revoked or wrong."""

    sentence = Text("Slack doesn't accept this bot's token.")
    next_step = ADMINS_FIX
    admin_step = Text("Reinstall this bot in Slack, then set `SLACK_BOT_TOKEN` to its new token.")


# ------------------------------------------------------------------ starting


class StartupError(BotError, kind="CannotStart"):
    """The service cannot start with this configuration; the process ends with exit code 1."""

    next_step = NO_TEXT
    admin_step = NO_TEXT


class DatabaseNotFound(StartupError, kind=StartupError.kind):
    """There is no database at the address, where one is to be read only."""


# ------------------------------------------------------------------ the database


class StoppedBeforeAnswer(BotError, everyday=True, passing=True):
    """The bot is stopped before a request is answered."""

    sentence = Text("The bot is restarting, so I couldn't finish this.")
    next_step = Text("Try again in a minute.")
    admin_step = NO_TEXT


class DatabaseUnavailable(BotError, kind="StoreDown", passing=True):
    """The database did not respond, or the connection broke; `__cause__` is the driver's error."""

    sentence = Text("This bot's database isn't answering right now.")
    next_step = Text("Try again in a minute.")
    admin_step = NO_TEXT
