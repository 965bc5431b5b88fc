"""Immutable domain types: the nouns that every layer shares."""

from bot.domain.model.builds import (
    App,
    Attachment,
    Build,
    BuildRetention,
    BuildSource,
    BuildTransition,
    CurrentBuild,
    InstallRequirements,
    KnownBuild,
    Recall,
    RecallReach,
    Stage,
    Workspace,
)
from bot.domain.model.deliveries import CardEntry, CardUpdate, ChannelNotice, Delivery, NewDelivery, ReportKind
from bot.domain.model.downloads import Download, Member, MemberDownloads
from bot.domain.model.links import FileKind, Link
from bot.domain.model.people import Actor, GrantChange, Outsider, Role, is_person
from bot.domain.model.subscriptions import (
    EVENT_OF,
    BuildEvent,
    DeliveryOptions,
    EventDescription,
    SharedAs,
    Subscription,
)

__all__ = [
    "EVENT_OF",
    "Actor",
    "App",
    "Attachment",
    "Build",
    "BuildEvent",
    "BuildRetention",
    "BuildSource",
    "BuildTransition",
    "CardEntry",
    "CardUpdate",
    "ChannelNotice",
    "CurrentBuild",
    "Delivery",
    "DeliveryOptions",
    "Download",
    "EventDescription",
    "FileKind",
    "GrantChange",
    "InstallRequirements",
    "KnownBuild",
    "Link",
    "Member",
    "MemberDownloads",
    "NewDelivery",
    "Outsider",
    "Recall",
    "RecallReach",
    "ReportKind",
    "Role",
    "SharedAs",
    "Stage",
    "Subscription",
    "Workspace",
    "is_person",
]
