"""Types of conversation, and what to do if the bot can't post, by type and by Slack's error; pure."""

from __future__ import annotations

from enum import StrEnum

from bot.exceptions import ChannelUnavailable
from bot.i18n import Text


class Conversation(StrEnum):
    """The type of the conversation of a command; ELSEWHERE for a channel that was only named."""

    CHANNEL = "channel"
    DIRECT = "direct message"
    GROUP = "group direct message"
    ELSEWHERE = "elsewhere"

    @classmethod
    def _missing_(cls, value: object) -> Conversation:
        return cls.CHANNEL  # a value of another version


def kind_of(channel_id: str | None, name: str) -> Conversation:
    """Return the type of a conversation by its id and the name that Slack sends with a request.

    In a group direct message the name is like `mpdm-ana--bruno-1`; in a private channel it is "privategroup".
    https://docs.slack.dev/interactivity/implementing-slash-commands
    """
    if str(channel_id or "").startswith("D") or name == "directmessage":
        return Conversation.DIRECT
    return Conversation.GROUP if name.startswith("mpdm-") else Conversation.CHANNEL


class _Refusal(StrEnum):
    """Why the bot can't post in a conversation."""

    OUTSIDE = "the bot is not in it"
    ARCHIVED = "archived"
    RESTRICTED = "not everybody may post there"
    UNSUPPORTED = "no place for apps"
    ENCRYPTED = "the organisation withdrew the key"
    REMOVED = "the bot was removed from its workspace"


_CODES = {
    code: refusal
    for refusal, codes in (
        (_Refusal.OUTSIDE, "not_in_channel channel_not_found user_not_in_channel"),
        (_Refusal.ARCHIVED, "is_archived is_inactive"),
        (
            _Refusal.RESTRICTED,
            """restricted_action restricted_action_read_only_channel restricted_action_thread_only_channel
            restricted_action_non_threadable_channel restricted_action_thread_locked channel_is_limited_access
            no_permission messages_tab_disabled""",
        ),
        (_Refusal.UNSUPPORTED, "method_not_supported_for_channel_type"),
        (_Refusal.ENCRYPTED, "ekm_access_denied"),
        (_Refusal.REMOVED, "team_access_not_granted"),
    )
    for code in codes.split()
}
CODES = tuple(_CODES)

_INVITE = Text("Invite me first: `/invite @{name}`, then try again.")
_CHOOSE = Text("Choose a channel that I'm in.")  # a direct message can't be joined
_OTHER = Text("Choose another channel, or ask a Slack admin.")
_ASK = Text("Choose another channel, or ask one of its managers to let apps post there.")
_UNARCHIVE = Text("Unarchive it, or choose another channel.")
_REMOVED = (
    Text("I was removed from that channel's workspace."),
    Text("Choose another channel, or ask an org admin to add me to that workspace again."),
)
_NO_KEY = Text("Your organisation has locked this conversation (Enterprise Key Management).")

ADVICE: dict[tuple[Conversation, _Refusal], tuple[Text, Text]] = {
    (Conversation.CHANNEL, _Refusal.OUTSIDE): (Text("I'm not in this channel, so I can't post here."), _INVITE),
    (Conversation.CHANNEL, _Refusal.ARCHIVED): (Text("This channel is archived."), _UNARCHIVE),
    (Conversation.CHANNEL, _Refusal.RESTRICTED): (Text("This channel's settings don't let me post."), _ASK),
    (Conversation.CHANNEL, _Refusal.UNSUPPORTED): (Text("Apps can't post in this conversation."), _CHOOSE),
    (Conversation.CHANNEL, _Refusal.ENCRYPTED): (_NO_KEY, _OTHER),
    (Conversation.CHANNEL, _Refusal.REMOVED): _REMOVED,
    (Conversation.DIRECT, _Refusal.OUTSIDE): (Text("I can't post in a direct message between people."), _CHOOSE),
    (Conversation.DIRECT, _Refusal.ARCHIVED): (Text("This direct message is closed."), _CHOOSE),
    (Conversation.DIRECT, _Refusal.RESTRICTED): (Text("I can't post in this direct message."), _CHOOSE),
    (Conversation.DIRECT, _Refusal.UNSUPPORTED): (Text("Apps can't post in this conversation."), _CHOOSE),
    (Conversation.DIRECT, _Refusal.ENCRYPTED): (_NO_KEY, _OTHER),
    (Conversation.DIRECT, _Refusal.REMOVED): _REMOVED,
    (Conversation.GROUP, _Refusal.OUTSIDE): (Text("I'm not in this group message, so I can't post here."), _CHOOSE),
    (Conversation.GROUP, _Refusal.ARCHIVED): (Text("This group message is closed."), _CHOOSE),
    (Conversation.GROUP, _Refusal.RESTRICTED): (Text("I can't post in this group message."), _CHOOSE),
    (Conversation.GROUP, _Refusal.UNSUPPORTED): (Text("Apps can't post in this conversation."), _CHOOSE),
    (Conversation.GROUP, _Refusal.ENCRYPTED): (_NO_KEY, _OTHER),
    (Conversation.GROUP, _Refusal.REMOVED): _REMOVED,
    (Conversation.ELSEWHERE, _Refusal.OUTSIDE): (Text("I'm not in that channel, so I can't post there."), _INVITE),
    (Conversation.ELSEWHERE, _Refusal.ARCHIVED): (Text("That channel is archived."), _UNARCHIVE),
    (Conversation.ELSEWHERE, _Refusal.RESTRICTED): (Text("That channel's settings don't let me post."), _ASK),
    (Conversation.ELSEWHERE, _Refusal.UNSUPPORTED): (Text("Apps can't post in that conversation."), _CHOOSE),
    (Conversation.ELSEWHERE, _Refusal.ENCRYPTED): (_NO_KEY, _OTHER),
    (Conversation.ELSEWHERE, _Refusal.REMOVED): _REMOVED,
}


def unavailable(kind: Conversation, code: str, bot_name: str) -> ChannelUnavailable:
    """Return the error about why the bot can't post in a conversation of this type, and what to do.

    `code` is Slack's; an unknown one means that the bot is not in it. `bot_name` is what people type after @.
    """
    sentence, step = ADVICE[kind, _CODES.get(code, _Refusal.OUTSIDE)]
    if step is _INVITE:
        step = Text(_INVITE.message_id, name=bot_name)
    return ChannelUnavailable(sentence, step, code=code, is_here=kind is not Conversation.ELSEWHERE)


def advice_elsewhere(code: str) -> tuple[Text, Text] | None:
    """Return why the bot can't post in a channel that was only named, and what to do; None if it is not a member."""
    refusal = _CODES.get(code, _Refusal.OUTSIDE)
    return None if refusal is _Refusal.OUTSIDE else ADVICE[Conversation.ELSEWHERE, refusal]
