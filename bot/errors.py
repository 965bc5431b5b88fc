"""What can go wrong, in the words the person reads: a sentence and the next step."""

from __future__ import annotations

from collections.abc import Sequence


class Problem(Exception):
    """Anything a person should hear about: what happened, then what to do next.

    A class carries its default words; a raise may give better ones. `str()` is both together. An `everyday` problem
    explains itself; any other is shown with a reference that is also in the log.
    """

    sentence = "Something went wrong."
    next_step = "Please try again."
    everyday = False

    def __init__(self, sentence: str | None = None, next_step: str | None = None) -> None:
        self.sentence = sentence or type(self).sentence
        self.next_step = type(self).next_step if next_step is None else next_step
        super().__init__(f"{self.sentence} {self.next_step}".strip())


# ------------------------------------------------------------------ what the person typed


class BadInput(Problem):
    """The words could not be used as they are."""

    sentence = "I could not read that."
    next_step = "Type the command with `help` after it to see how it goes."
    everyday = True


class NotFoundByName(BadInput):
    """A name nobody has; `suggestions` are the closest ones, best first."""

    def __init__(self, what: str, typed: str, suggestions: Sequence[str] = (), *, otherwise: str = "") -> None:
        self.typed = typed
        self.suggestions = tuple(suggestions)
        names = ", ".join(f"`{name}`" for name in self.suggestions)
        shown = typed if len(typed) <= 60 else typed[:59] + "…"
        super().__init__(
            f"There is no {what} called “{shown}”.",
            f"Did you mean {names}?" if names else otherwise,
        )


class NotAnId(BadInput):
    """Something that cannot be an Applivery id; found before any request was made."""

    next_step = "Copy it from `builds`, or leave it out to get the newest one."

    def __init__(self, what: str, typed: str, shape: str) -> None:
        self.typed = typed
        shown = typed if len(typed) <= 60 else typed[:59] + "…"
        super().__init__(f"“{shown}” is not {what}: {shape}.")


class Denied(Problem):
    """This person may not do this here; `missing` is the role it takes, `channels` (ids) where it can be done."""

    sentence = "You may not do this here."
    next_step = "Ask an admin of this bot."
    everyday = True

    def __init__(
        self,
        sentence: str | None = None,
        next_step: str | None = None,
        *,
        missing: str | None = None,
        app_id: str | None = None,
        channels: Sequence[str] = (),
    ) -> None:
        super().__init__(sentence, next_step)
        self.missing = missing
        self.app_id = app_id
        self.channels = tuple(channels)


class Recalled(Problem):
    """Somebody took this build back, so nobody gets it.

    `build` is its name, `reason` in the words of who did; `instead` is the newest one that stands: its name, and what
    its buttons carry.
    """

    everyday = True

    def __init__(self, build: str, reason: str, instead: tuple[str, str] | None = None) -> None:
        self.reason = reason
        self.instead = instead
        super().__init__(
            f"⛔ {build} was recalled: “{reason}”.",
            f"Take {instead[0]} instead: it is the newest that was not recalled."
            if instead
            else "Ask your team which one to use.",
        )


class TooEager(Problem):
    """Somebody has had as many links as one person may have for now."""

    sentence = "That was a lot of links in a short time."
    everyday = True

    def __init__(self, wait: float) -> None:
        seconds = max(1, round(wait))
        when = f"{seconds} second{'s' * (seconds != 1)}" if seconds < 120 else f"{round(seconds / 60)} minutes"
        super().__init__(next_step=f"Please try again in {when}.")


# ------------------------------------------------------------------ Applivery


class AppliveryProblem(Problem):
    """Applivery could not or would not; `code` is its own error code, `status` the HTTP one."""

    sentence = "Applivery refused the request."
    next_step = "Please try again in a minute."

    def __init__(
        self,
        sentence: str | None = None,
        next_step: str | None = None,
        *,
        code: int | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(sentence, next_step)
        self.code = code
        self.status = status


class CredentialRefused(AppliveryProblem):
    """Our Service Account token is missing, wrong or expired (2001, 3002, 4002, 4004, any other 401)."""

    sentence = "Applivery does not accept this bot's credential."
    next_step = "An admin has to renew `APPLIVERY_TOKEN` (Workspace Settings → Service Accounts)."


class TwoFactorNeeded(CredentialRefused):
    """The credential is a log-in that wants a second factor (4014)."""

    sentence = "Applivery asks this bot for a two-factor code, so the configured token is a person's log-in."
    next_step = "An admin has to use a Service Account token in `APPLIVERY_TOKEN` instead."


class WrongToken(CredentialRefused):
    """The token is good, but for the other of Applivery's two APIs."""

    sentence = "That token is for the other of Applivery's two APIs."


class PermissionMissing(AppliveryProblem):
    """The credential is good but may not do this (403)."""

    sentence = "This bot's Service Account may not do that in Applivery."
    next_step = "An admin can raise its role under Workspace Settings → Service Accounts."


class Gone(AppliveryProblem):
    """No such thing, or not visible to us (3001, 4001, any other 404)."""

    sentence = "Applivery no longer has that, or this bot may not see it."
    next_step = "It may have been deleted, or removed by your retention policy; list what there is with `builds`."
    everyday = True


class LinkExpired(AppliveryProblem):
    """A download token was used up or is too old (4005)."""

    sentence = "That download link has expired."
    next_step = "Ask for a fresh one; it takes a second."
    everyday = True


class QuotaReached(AppliveryProblem):
    """A limit of the plan is used up (5003)."""

    sentence = "Your Applivery workspace has reached a limit of its plan."
    next_step = "An Applivery admin can see it under Workspace Settings → Billing."
    everyday = True


class PlanLacks(AppliveryProblem):
    """The plan does not include this (5004)."""

    sentence = "Your Applivery plan does not include this."
    next_step = "An Applivery admin can change the plan under Workspace Settings → Billing."
    everyday = True


class UnusableFile(BadInput):
    """A file that cannot become a build, or not be attached; found before anything was sent."""

    sentence = "Applivery cannot take that file."
    next_step = "Check that it is the right one."


class FileLost(Problem):
    """The file could not be read to its end where it lies, so Applivery got no whole file and made nothing of it."""

    sentence = "The file could not be read to its end."
    next_step = "Nothing was uploaded. Please try again with the whole file."
    everyday = True


class UploadUnsure(Problem):
    """The connection broke while a file was sent, and no build shows that it arrived."""

    sentence = "The connection to Applivery broke during the upload."
    next_step = "Look at the builds of the app before you upload it again."
    everyday = True


class UploadRejected(AppliveryProblem):
    """Applivery could not use the file (5006)."""

    sentence = "Applivery could not use that file."
    next_step = "Check that it is a complete build in one of the supported formats."
    everyday = True


class NotProcessed(AppliveryProblem):
    """The build is not ready, so no token can be made (5014)."""

    sentence = "Applivery has not finished processing this build."
    next_step = "Try again in a minute."
    everyday = True


class NameTaken(AppliveryProblem):
    """A name is already used (5024)."""

    sentence = "That name is already used in Applivery."
    next_step = "Choose another one."
    everyday = True


class RequestRefused(AppliveryProblem):
    """Applivery did not accept what we sent (6002, any other 4xx)."""

    sentence = "Applivery did not accept the request."
    next_step = "If it happens again, tell an admin of this bot."


class TooManyRequests(AppliveryProblem):
    """Applivery asks us to slow down (429); `retry_after` is in seconds."""

    sentence = "Applivery is asking this bot to slow down."
    next_step = "Please try again in a minute."

    def __init__(self, *, retry_after: float = 2.0, code: int | None = None, status: int | None = 429) -> None:
        super().__init__(code=code, status=status)
        self.retry_after = retry_after


class AppliveryDown(AppliveryProblem):
    """No answer in time, a broken connection, or a 5xx."""

    sentence = "Applivery is not answering right now."
    next_step = "Nothing was lost; please try again in a minute."


class Unreadable(AppliveryProblem):
    """An answer that is not what the API describes."""

    sentence = "Applivery gave an answer this bot does not understand."
    next_step = "Please try again; if it happens again, tell an admin of this bot."


class BudgetSpent(AppliveryProblem):
    """This bot's own hourly allowance of Applivery requests is used up."""

    sentence = "This bot has used up its hourly allowance of Applivery requests."
    next_step = "Please try again in a few minutes."
    everyday = True


# ------------------------------------------------------------------ Slack


class SlackProblem(Problem):
    """Slack could not or would not; `code` is Slack's own error name."""

    sentence = "Slack refused the message."
    next_step = "Please try again in a minute."

    def __init__(self, sentence: str | None = None, next_step: str | None = None, *, code: str = "") -> None:
        super().__init__(sentence, next_step)
        self.code = code


class ChannelRefused(SlackProblem):
    """The bot cannot speak there, and trying again will not help until somebody acts."""

    sentence = "I cannot post in that channel."
    next_step = "Invite me there first: `/invite @Applivery`."
    everyday = True


class MessageRefused(SlackProblem):
    """Slack will not take this very message, now or later."""

    sentence = "Slack would not take that message."
    next_step = "Tell an admin of this bot; the reference is in the log."


class SlackBusy(SlackProblem):
    """Slack asks us to wait; `retry_after` is in seconds. Nothing was posted."""

    sentence = "Slack is asking this bot to slow down."

    def __init__(self, *, retry_after: float = 1.0, code: str = "ratelimited") -> None:
        super().__init__(code=code)
        self.retry_after = retry_after


class SlackUnsure(SlackProblem):
    """The connection broke or Slack failed inside: the message may or may not be there."""

    sentence = "Slack did not say whether it took the message."


class SlackCredentialRefused(SlackProblem):
    """Our bot token is revoked or wrong."""

    sentence = "Slack does not accept this bot's token."
    next_step = "An admin has to reinstall the app and renew `SLACK_BOT_TOKEN`."


# ------------------------------------------------------------------ starting


class CannotStart(Problem):
    """The service cannot run here as it is set up; the process ends with exit code 1."""

    next_step = ""


# ------------------------------------------------------------------ what we remember


class StoreDown(Problem):
    """The database did not answer, or broke off; the driver's own words are in `__cause__`."""

    sentence = "This bot's database is not answering right now."
    next_step = "Please try again in a minute."
