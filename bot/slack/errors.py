"""Map errors of Slack and of the connection to the bot's exceptions."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.domain.conversations import advice_elsewhere
from bot.exceptions import (
    ADMINS_FIX,
    ChannelUnavailable,
    DeliveryUnknown,
    DuplicateMessage,
    MessageRejected,
    SlackError,
    SlackInvalidCredentials,
    SlackRateLimited,
    SlackResponseTooLarge,
    SlackSilent,
    kind_of,
)
from bot.http_client import AnswerTooLarge
from bot.i18n import Text
from bot.slack.scopes import feature_off
from bot.timeouts import retry_after

Answer = TypeVar("Answer")

# Slack's errors for a user group that does not exist, and for a workspace where the app is not installed (any more).
NO_GROUP = ("no_such_subteam", "subteam_not_found")
NOT_GRANTED = ("team_access_not_granted", "team_not_found", "invalid_team")
# Slack's errors for a channel that the bot cannot see, or that was deleted.
OUT_OF_SIGHT = ("channel_not_found", "not_in_channel", "is_archived", *NOT_GRANTED)

_CHANNEL = """not_in_channel channel_not_found is_archived is_inactive restricted_action no_permission user_disabled
    restricted_action_read_only_channel restricted_action_thread_only_channel restricted_action_non_threadable_channel
    restricted_action_thread_locked cannot_dm_bot user_not_found messages_tab_disabled channel_is_limited_access
    team_access_not_granted method_not_supported_for_channel_type user_not_in_channel ekm_access_denied"""
_MESSAGE = """invalid_blocks invalid_blocks_format msg_too_long msg_blocks_too_long no_text metadata_too_large
    invalid_metadata_format invalid_metadata_schema metadata_must_be_sent_from_app invalid_arguments
    too_many_attachments only_one_table_allowed message_not_found cant_update_message edit_window_closed
    thread_not_found"""
_CREDENTIAL = "invalid_auth not_authed token_revoked token_expired account_inactive org_login_required"
# https://docs.slack.dev/reference/methods/views.open#errors
_LATE = ["expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired", "trigger_exchanged"]
# Seen, and not documented: https://github.com/slackapi/slack-api-specs/issues/10
_DUPLICATE = "duplicate_client_msg_id duplicate_message_not_found duplicate_channel_not_found"
_UNSURE = "internal_error fatal_error service_unavailable request_timeout"

# Why the bot can't write to a person; for channels see bot/domain/conversations.py.
_NOBODY = (Text("I can't send that person a direct message."), Text("Choose another member of this workspace."))
_UNINSTALLED = (Text("Slack doesn't accept this bot's token: the bot was uninstalled, or the token was revoked."),)
_WHY = dict.fromkeys(["user_disabled", "cannot_dm_bot", "user_not_found"], _NOBODY) | dict.fromkeys(
    ["token_revoked", "account_inactive"], _UNINSTALLED
)
_KINDS: dict[str, type[SlackError]] = {
    code: kind
    for codes, kind in (
        (_CHANNEL, ChannelUnavailable),
        (_MESSAGE, MessageRejected),
        (_CREDENTIAL, SlackInvalidCredentials),
        (_UNSURE, DeliveryUnknown),
        (_DUPLICATE, DuplicateMessage),
    )
    for code in codes.split()
}


def response_error(status: int, body: str) -> SlackError:
    """Return the error for a refusal by a response_url, whose body is an error code as text or in JSON.

    https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
    """
    code = next((known for known, kind in _KINDS.items() if kind is MessageRejected and known in body), "")
    if code or status == 400:  # 404 is an address that was used too often or is too old
        return MessageRejected(code=code or "invalid_blocks")
    return SlackError(code=f"response_url_{status}")


def to_slack_error(error: BaseException) -> SlackError:
    """Return the bot's exception for an error of Slack or of the connection.

    https://docs.slack.dev/reference/methods/chat.postMessage#errors
    """
    if not isinstance(error, SlackApiError):
        kind = SlackResponseTooLarge if isinstance(error, AnswerTooLarge) else DeliveryUnknown
        return kind(code=kind_of(error))
    response: Any = error.response
    said = getattr(response, "data", None)  # a str if a gateway answered with a plain-text page
    code = str(said.get("error") or "") if isinstance(said, dict) else ""
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 200)
    if status == 429 or code in ("ratelimited", "rate_limited"):
        asked_for = retry_after(find_header(getattr(response, "headers", {}) or {}), otherwise=1.0)
        return SlackRateLimited(retry_after=asked_for, code=code or "ratelimited")
    if code == "missing_scope":
        return _missing_scope_error(str(response.get("needed") or ""), code)
    if code in _KINDS:
        return _KINDS[code](*(_WHY.get(code) or advice_elsewhere(code) or ()), code=code)
    if status >= 500 or not code:
        return DeliveryUnknown(code=code or f"http_{status}")
    return SlackError(Text("Slack refused the request (`{code}`).", code=code), code=code)


def form_error(error: SlackError) -> Text:
    """Return why a form did not open; other errors would speak of a message, and none was sent."""
    if error.code in _LATE:
        return Text("The form took too long to open.")
    if isinstance(error, DeliveryUnknown):
        return SlackSilent.sentence
    if isinstance(error, ChannelUnavailable | MessageRejected):
        return Text("Slack refused the request (`{code}`).", code=error.code)
    return error.sentence


def token_error(code: str) -> SlackInvalidCredentials:
    """Return the error for a token that Slack does not accept, with the code that it returned for it."""
    return SlackInvalidCredentials(*_WHY.get(code, ()), code=code)


def _missing_scope_error(needed: str, code: str) -> SlackError:
    """Return the error for a missing scope; `needed` is comma-separated, and one of its scopes would be enough."""
    if off := feature_off(needed.split(",")):
        return off
    scope = needed.partition(",")[0]
    words = Text("This bot lacks the Slack scope `{scope}`.", scope=scope)
    words = words if scope else Text("This bot lacks a Slack scope.")
    return SlackError(
        words, ADMINS_FIX, Text("At api.slack.com/apps, update this bot's manifest and reinstall it."), code=code
    )


def find_header(headers: Mapping[str, str], name: str = "retry-after") -> str | None:
    """Return the header of this name, in any case."""
    return next((value for known, value in headers.items() if known.lower() == name), None)


# Exceptions of the SDK and the connection; the SDK raises AttributeError for a plain-text page with HTTP 200.
RAISED = (SlackApiError, aiohttp.ClientError, TimeoutError, ValueError, AttributeError)


async def call_api(call: Awaitable[Answer]) -> Answer:
    """Return the response of a Web API call. Raises SlackError in place of the SDK's exceptions."""
    try:
        return await call
    except RAISED as error:
        raise to_slack_error(error) from error
