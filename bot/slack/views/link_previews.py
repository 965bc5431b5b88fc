"""The preview of a pasted link: a compact card, and the same as a Work Object with details; pure.

https://docs.slack.dev/messaging/work-objects-implementation
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slack_sdk.models.metadata import (
    EntityActionButton,
    EntityActions,
    EntityAttributes,
    EntityCustomField,
    EntityMetadata,
    EntityPayload,
    EntityTitle,
    ExternalRef,
)

from bot.domain import build_labels, platforms
from bot.domain.model import Build, Recall, Stage
from bot.exceptions import BotError, PermissionDenied
from bot.i18n import _, gettext_noop
from bot.i18n.units import format_size
from bot.i18n.verbatim import unmarked
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.mrkdwn import plain_text, truncate
from bot.slack.views import channel_card
from bot.slack.views.builds import build_value, plain_title

if TYPE_CHECKING:
    from bot.domain.changes_since import ChangesSince

ITEM = "slack#/entities/item"  # Slack's generic type: not a file, task, incident or page
TITLE = 150  # characters
FIELD = 300
LIST = 2000  # characters of the list of builds in between
FEW = 140  # characters of the changelog in a channel
MOST_BETWEEN = 10  # builds
PERSONAL = gettext_noop("This link was made for one person. Get your own.")
_STATES = {
    Stage.PENDING: (gettext_noop("Uploaded"), "yellow"),
    Stage.RUNNING: (gettext_noop("Processing"), "yellow"),
    Stage.READY: (gettext_noop("Ready"), "green"),
    Stage.FAILED: (gettext_noop("Failed"), "red"),
    Stage.UNKNOWN: (gettext_noop("Unknown"), "gray"),
    Stage.DELETED: (gettext_noop("Deleted"), "gray"),
}
_RECALLED = (gettext_noop("Recalled"), "red")


def card(build: Build, recall: Recall | None, dashboard: str, *, is_personal: bool = False) -> Message:
    """Return the card below a link; `is_personal` adds that the link, to a claim page, is another user's."""
    shown = channel_card.below_link(build, recall, lambda _build: dashboard)
    note = [blocks.context(_(PERSONAL))] if is_personal else []
    return replace(shown, blocks=tuple(blocks.without_rich_text(blocks.fit_blocks((*note, *shown.blocks), 10))))


def entity(build: Build, recall: Recall | None, url: str, dashboard: str) -> EntityMetadata:
    """Return the card as a Work Object for the link with this address."""
    few = [field for field in _facts(build, recall) if field.key in ("state", "reason", "branch", "size")]
    return _entity(build, recall, dashboard, [*few, *_changelog(build, FEW)], url)


def details(
    build: Build, recall: Recall | None, recalls: Mapping[str, Recall], missed: ChangesSince | None, dashboard: str
) -> EntityMetadata:
    """Return the details of the Work Object: the current state, and the changes since the user's build (`missed`)."""
    return _entity(build, recall, dashboard, [*_facts(build, recall), *_changelog(build), *_news(missed, recalls)])


def refusal(error: BotError) -> dict[str, Any]:
    """Return the error to show in place of the details.

    https://docs.slack.dev/reference/methods/entity.presentDetails
    """
    denied = isinstance(error, PermissionDenied)
    said = filter(None, (_(error.sentence), _(error.next_step)))
    return {
        "status": "custom_partial_view" if denied else "custom",
        "custom_title": _("You can't see this build") if denied else _("This build can't be shown"),
        "custom_message": truncate(unmarked(" ".join(said)), LIST),
    }


def gone() -> dict[str, Any]:
    """Return the card of a build that was deleted in Applivery."""
    return {"status": "not_found"}


def _entity(
    build: Build, recall: Recall | None, dashboard: str, fields: list[EntityCustomField], url: str | None = None
) -> EntityMetadata:
    attributes = EntityAttributes(
        title=EntityTitle(text=plain_text(plain_title(build), TITLE)), display_type=_("Build"), product_name="Applivery"
    )
    payload = EntityPayload(
        attributes=attributes,
        custom_fields=list(fields),
        display_order=[field.key for field in fields],
        actions=EntityActions(primary_actions=list(_actions(build, recall))) if _is_live(build) else None,
    )
    return EntityMetadata(
        entity_type=ITEM,
        entity_payload=payload,
        external_ref=ExternalRef(id=build_value(build)),
        url=dashboard,
        app_unfurl_url=url,
    )


def _is_live(build: Build) -> bool:
    return build.stage is not Stage.DELETED


def _actions(build: Build, recall: Recall | None) -> Iterator[EntityActionButton]:
    """Yield the buttons of a build, which work like those of a card."""
    if build.stage is Stage.READY and recall is None:
        yield _button(build, _("Get build"), "get.v1", style="primary")
    elif build.stage.under_way and recall is None:
        yield _button(build, _("Watch"), "watch.v1")
    else:
        yield _button(build, _("Details"), "status.v1")


def _button(build: Build, label: str, action: str, style: str | None = None) -> EntityActionButton:
    says = plain_text(f"{label}: {build_labels.label(build)}", blocks.BUTTON_TEXT)
    return EntityActionButton(
        text=label, action_id=action, value=build_value(build), style=style, accessibility_label=says
    )


def _facts(build: Build, recall: Recall | None) -> Iterator[EntityCustomField]:
    word, color = _RECALLED if recall else _STATES[build.stage]
    yield _field("state", _("State"), _(word), tag_color=color)
    if recall:
        yield _field("reason", _("Reason"), recall.reason, long=True)
    elif build.stage is Stage.FAILED and build.error:
        yield _field("reason", _("Reason"), build.error, long=True)
    for key, label, value in (
        ("platform", _("Platform"), platforms.name(build.platform)),
        ("branch", _("Branch"), build.origin.branch or ""),
        ("size", _("Size"), format_size(build.size) if build.size is not None else ""),
        ("uploader", _("Uploaded by"), build.uploader or ""),
    ):
        if value.strip():
            yield _field(key, label, value)
    if build.created_at:
        yield EntityCustomField(
            key="uploaded", label=_("Uploaded"), type="slack#/types/timestamp", value=int(build.created_at.timestamp())
        )


def _changelog(build: Build, limit: int = LIST) -> Iterator[EntityCustomField]:
    if text := build.changelog.strip():
        yield _field("changelog", _("Changelog"), text, long=True, limit=limit)


def _news(missed: ChangesSince | None, recalls: Mapping[str, Recall]) -> Iterator[EntityCustomField]:
    """Yield the build the user has and the changelogs since, if they have one."""
    if missed is None:
        return
    yield _field("yours", _("Your build"), build_labels.label(missed.build))
    lines = [
        f"{build_labels.short(each)}: {' '.join(each.changelog.split()) or _('no changelog')}"
        for each in missed.between[:MOST_BETWEEN]
        if each.id not in recalls
    ]
    if lines:
        yield _field("since", _("New since your build"), "\n".join(lines), long=True, limit=LIST)


def _field(key: str, label: str, value: str, *, limit: int = FIELD, **about: Any) -> EntityCustomField:
    """Return a field whose value is shown unformatted, which is Slack's default for strings."""
    lines = [plain_text(line, limit) if line.strip() else "" for line in value.strip().splitlines()]
    words = truncate("\n".join(lines), limit)
    return EntityCustomField(key=key, label=label, type="string", value=words, **about)
