"""The form of a subscription, filled in with saved or typed values and converted back to typed words; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import Option

from bot.domain import delivery_options, filters, grammar, lookup, subscription_changes
from bot.domain.grammar import ParsedText
from bot.exceptions import UserInputError
from bot.i18n import Text, _, gettext_noop
from bot.slack import blocks, typed_text
from bot.slack.blocks import Block, Modal, inputs
from bot.slack.views.subscription_names import app_name, channel_name

if TYPE_CHECKING:
    from bot.domain.model import Subscription

_HOW = {
    "threads": gettext_noop("Details in a thread"),
    "version": gettext_noop("One card for all platforms of a version"),
    "compact": gettext_noop("One line per build"),
}
_LINES = ("label", "mention", "digest", "quiet")
MOST = {"label": delivery_options.LABEL, "mention": 100, "digest": 100, "quiet": 40}  # characters
_FIELDS = ("on", "format", "threads", "group", *_LINES)


def ask(words: ParsedText, tz: str, chosen: Option | None, *, in_dm: bool = False) -> Modal:
    """Return the form for a new subscription, with an input for the app unless it is known.

    Raises UserInputError for typed words that the form has no input for.
    """
    app = blocks.external_select(_("App"), "subscribe.app", hint=_("Type to find an app"), chosen=chosen)
    title = _("Subscribe") if in_dm else _("Subscribe this channel")
    return Modal("subscribe.v1", title, (app, *_fields(words, tz)), submit=_("Subscribe"))


def edit(subscription: Subscription, words: ParsedText, tz: str, value: str) -> Modal:
    """Return the form for an existing subscription, identified by `value`.

    Raises UserInputError for typed words that the form has no input for.
    """
    what = _(
        "*{app}* in {channel} · set up by <@{person}>",
        app=app_name(subscription),
        channel=channel_name(subscription.channel_id),
        person=subscription.created_by,
    )
    body = (blocks.section(what), *_fields(words, tz))
    return Modal(
        "edit.v1",
        _("Edit subscription"),
        body,
        submit=_("Save"),
        private_metadata=value,
    )


def typed(subscription: Subscription, handles: Mapping[str, str], tz: str) -> ParsedText:
    """Return a subscription as typed words, in this time zone, with the handle of its group if known."""
    handle = handles.get(subscription.manner.mention)
    options = [
        grammar.KeyValue(option.key, f"@{handle}") if option.key == "mention" and handle else option
        for option in subscription_changes.options(subscription)
        if (option.key, option.value) != ("tz", tz)
    ]
    return ParsedText((), tuple(options))


def _fields(words: ParsedText, tz: str) -> tuple[Block, ...]:
    given = {key: " ".join(words.values(key)) for key in _FIELDS}
    on = {name.strip().casefold() for name in given["on"].replace(",", " ").split()} or set(filters.DEFAULT_EVENTS)
    how = {
        "threads": given["threads"].casefold() not in ("off", "no", "none", "never"),
        "version": given["group"].casefold() == "version",
        "compact": given["format"].casefold() == "compact",
    }
    rest = grammar.readable(
        ParsedText(words.plain, tuple(option for option in words.options if option.key not in _FIELDS))
    )
    if len(rest) > inputs.LONGEST or any(len(given[key]) > MOST[key] for key in _LINES):
        # a truncated value would mean something else and be saved
        raise UserInputError(
            Text("These filters are too long to edit in a form."),
            Text("Use fewer filters, or type them after `subscribe`."),
        )
    ticked = {key for key, on in how.items() if on}
    return (
        blocks.checkboxes(
            _("Notify when"),
            "subscribe.on",
            _options((event, event.description.choice) for event in filters.EVENTS),
            ticked=on,
            optional=False,
        ),
        inputs.text_input(
            _("Filters"),
            "subscribe.filters",
            example="branch:release/* -tag:nightly os:ios",
            value=rest,
            max_length=max(filters.LONGEST, len(rest)),
        ),
        blocks.checkboxes(_("Format"), "subscribe.how", _options(_HOW.items()), ticked=ticked),
        _line("label", _("Label on each card"), "Staging", given),
        _line("mention", _("Mention a user group"), "@mobile-qa", given),
        _line(
            "digest",
            _("Post as a digest at ({tz})", tz=tz),
            "mon,thu@17:30",
            given,
        ),
        _line("quiet", _("Quiet hours ({tz})", tz=tz), "22:00-08:00", given),
    )


def _line(key: str, label: str, hint: str, given: Mapping[str, str]) -> Block:
    return inputs.text_input(label, f"subscribe.{key}", example=hint, value=given[key], max_length=MOST[key])


def _options(labels: Iterable[tuple[str, str]]) -> list[Option]:
    return [blocks.option(_(label), str(name)) for name, label in labels]


def lines(sent: Mapping[str, str]) -> dict[str, ParsedText]:
    """Return the values of the form's single-line inputs, by the names of their blocks."""
    found = {key: sent.get(f"subscribe.{key}", "").strip() for key in _LINES}
    return {f"subscribe.{key}": ParsedText((), (grammar.KeyValue(key, text),)) for key, text in found.items() if text}


def read(sent: Mapping[str, str]) -> ParsedText:
    """Return the submitted form as typed words, not validated yet."""
    line = grammar.read(typed_text.normalize_search(sent.get("subscribe.filters")))
    how = sent.get("subscribe.how", "").split(",")
    given = {
        "on": sent.get("subscribe.on", ""),
        "format": "compact" if "compact" in how else "",
        "threads": "" if "threads" in how else "off",
        "group": "version" if "version" in how else "",
        **{key: grammar.unescaped(typed_text.normalize(sent.get(f"subscribe.{key}", ""))) for key in _LINES},
    }
    return ParsedText(
        line.plain, (*(grammar.KeyValue(key, text) for key, text in given.items() if text), *line.options)
    )


def unknown(words: ParsedText) -> tuple[str, tuple[str, ...]] | None:
    """Return the words in the line of filters that are not filters, with the most similar keys."""
    keys = (*lookup.FILTERS, "tz")
    for option in words.options:
        if option.key not in (*keys, *_FIELDS):
            return f"{option.key}:", lookup.closest(option.key, keys)
    return (words.plain[0], ()) if words.plain else None
