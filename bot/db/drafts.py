"""Typed texts, stored while the form or button that refers to them can be used."""

from __future__ import annotations

import secrets

from bot.db.dialect_sql import far, span, written
from bot.db.transaction import Transaction
from bot.db.types import storable

KEEP_SECONDS = 7 * 24 * 60 * 60


def save_draft(tx: Transaction, value: str) -> str:
    """Store a text for a week and return its unguessable key."""
    key = secrets.token_urlsafe(16)
    tx.execute(_PURGE, far=far(KEEP_SECONDS))
    tx.execute(_SAVE, key=key, value=storable(value), keep=span(KEEP_SECONDS))
    return key


def purge_drafts(tx: Transaction) -> None:
    """Delete texts older than a week."""
    tx.execute(_PURGE, far=far(KEEP_SECONDS))


def get_draft(tx: Transaction, key: str) -> str | None:
    """Return the text with this key; None when there is none, or it is older than a week."""
    found: str | None = tx.execute(_READ, key=key, far=far(KEEP_SECONDS)).scalar()
    return found


_PURGE = written("DELETE FROM drafts WHERE expires_at <= {now} OR expires_at > {now} + :far")

_SAVE = written("INSERT INTO drafts (key, value, expires_at) VALUES (:key, :value, {now} + :keep)")

_READ = written("SELECT value FROM drafts WHERE key = :key AND expires_at > {now} AND expires_at <= {now} + :far")
