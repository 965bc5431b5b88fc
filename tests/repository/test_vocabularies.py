"""No word of a closed vocabulary is spelt out beside its enum, neither in the product nor in its tests."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy as sa

from bot.db.column_types import EnumText
from bot.db.dialect_sql import literal
from bot.domain.audit import Entrypoint
from bot.domain.model import Role
from bot.settings import RoleName
from tests.repository.vocabularies import PRODUCT, TESTS, DeclaredVocabulary, enums, spelt_out


@pytest.fixture(scope="module")
def declared() -> DeclaredVocabulary:
    """What the product declares."""
    found, vocabularies = DeclaredVocabulary(), enums()
    for path in PRODUCT:
        found.add(path, vocabularies)
    return found


def test_no_word_of_a_vocabulary_is_spelt_out(declared: DeclaredVocabulary) -> None:
    paths = {*PRODUCT, *TESTS} - {Path(__file__)}  # which spells some below, to find them
    assert [found for path in sorted(paths) for found in spelt_out(path, declared)] == []


@pytest.mark.parametrize(
    "line",
    [
        'audit(AuditEntry(now, "T1", "U1", "get", outcome))',
        'entry(entrypoint="command")',
        'assert one.outcome == "minted"',
        'assert (one.user_id, one.action) == ("U1", "share")',
        'assert [each.entrypoint for each in entries] == ["button", "claim page"]',
        'assert row["state"] in ("due", "sending")',
        'facts = {"action": "get" if given else "share"}',
        'state = "held"',
        'def had(outcome="minted"): ...',
        "connection.execute(\"UPDATE outbox SET state = 'posted'\")",
        "written(\"SELECT 1 WHERE event NOT LIKE 'details%'\")",
        'metrics.webhooks.labels("forged").inc()',
        'store.notifier.notify("outbox")',
        '@pytest.mark.parametrize(("entrypoint", "n"), [("command", 1)])\ndef test(entrypoint, n): ...',
    ],
)
def test_a_spelt_word_is_found(declared: DeclaredVocabulary, line: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(line)
    assert list(spelt_out(path, declared))


@pytest.mark.parametrize(
    "line",
    [
        "entry(entrypoint=Entrypoint.COMMAND)",
        'world.ask("get courier")',
        'registry.get(Kind.COMMAND, "get")',
        'assert answer.status == "failed"',
        "written(\"SELECT 1 WHERE state = {delivery.DUE} AND reason = 'unsubscribed'\")",
    ],
)
def test_the_same_word_elsewhere_is_free(declared: DeclaredVocabulary, line: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(line)
    assert list(spelt_out(path, declared)) == []


def test_a_column_takes_members_only() -> None:
    column = EnumText(Entrypoint)
    assert column.process_bind_param(Entrypoint.HOME, sa.Dialect()) == Entrypoint.HOME
    with pytest.raises(TypeError, match="Entrypoint"):
        column.process_bind_param("home", sa.Dialect())  # type: ignore[arg-type]


def test_a_statement_names_only_words_there_are() -> None:
    assert literal("{delivery.DUE} {follow.DETAILS:%}") == "'due' 'details%'"
    with pytest.raises(AttributeError):
        literal("{delivery.DEW}")


def test_the_roles_of_the_settings_are_the_roles() -> None:
    assert list(get_args(RoleName)) == [role.word for role in Role.given()]
