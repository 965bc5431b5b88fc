"""How actions ended: stored as short English texts, shown in the reader's language with names and local times."""

from __future__ import annotations

import pytest

from bot.domain.audit import AuditAction, AuditOutcome
from bot.i18n import use_locale
from bot.slack.views.audit_outcomes import said
from tests.support.reading import DATE

STORED = [
    (AuditAction.SEND, "to U012AB", "to <@U012AB>", "a <@U012AB>"),
    (AuditAction.REPORT_FAILURE, "to U012AB", "to <@U012AB>", "a <@U012AB>"),
    (AuditAction.UNSUBSCRIBE, "in C012AB", "in <#C012AB>", "en <#C012AB>"),
    (AuditAction.MUTE, "until 2026-12-01 09:00 UTC", "until <date>", "hasta <date>"),
    (AuditAction.MUTE, AuditOutcome.UNMUTED, "off", "desactivado"),
    (AuditAction.GRANT, "releaser to U012AB", "releaser to <@U012AB>", "releaser a <@U012AB>"),
    (AuditAction.GRANT, "releaser to S012AB", "releaser to <!subteam^S012AB>", "releaser a <!subteam^S012AB>"),
    (AuditAction.GRANT, "channel C012AB", "channel <#C012AB>", "canal <#C012AB>"),
    (
        AuditAction.GRANT,
        "manager channel C012AB",
        "names in reports in <#C012AB>",
        "nombres en los informes de <#C012AB>",
    ),
    (AuditAction.REVOKE, "admin from W012AB", "admin from <@W012AB>", "admin de <@W012AB>"),
    (AuditAction.ALLOWED, "manager for U012AB", "manager for <@U012AB>", "manager para <@U012AB>"),
    (AuditAction.NUDGE, "1 people", "1 person", "1 persona"),
    (AuditAction.GOAL, "3 people", "3 people", "3 personas"),
    (AuditAction.GOAL, "reached: 9 of 10", "reached: 9 of 10", "alcanzado: 9 de 10"),
    (AuditAction.GOAL, "90% of @qa by 2026-12-04 17:00", "90% of @qa by <date>", "90% de @qa antes de <date>"),
    (
        AuditAction.GOAL,
        "90% of C012AB by 2026-12-04 17:00",
        "90% of <#C012AB> by <date>",
        "90% de <#C012AB> antes de <date>",
    ),
    (AuditAction.FORGET, "1 lines", "1 record", "1 registro"),
    (AuditAction.DIGEST, "fri@17:00 in C012AB", "fri@17:00 in <#C012AB>", "fri@17:00 en <#C012AB>"),
    (AuditAction.DIGEST, AuditOutcome.ENDED, "ended", "terminado"),
    (AuditAction.UNRECALL, "was crash <b>", "was crash &lt;b&gt;", "era crash &lt;b&gt;"),
    (AuditAction.BISECT, AuditOutcome.FOUND, "found", "encontrada"),
    # what was typed, and what another version stored, is shown as it is
    (AuditAction.RECALL, "stopped", "stopped", "stopped"),
    (AuditAction.SUBSCRIBE, "on:failed", "on:failed", "on:failed"),
    (AuditAction.GRANT, "owner over U012AB", "owner over <@U012AB>", "owner over <@U012AB>"),
]


@pytest.mark.parametrize(("action", "stored", "english", "spanish"), STORED)
def test_outcome_is_said_in_the_reader_s_words(action: AuditAction, stored: str, english: str, spanish: str) -> None:
    assert DATE.sub("date", said(action, stored)) == english
    with use_locale("es"):
        assert DATE.sub("date", said(action, stored)) == spanish
