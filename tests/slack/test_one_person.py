"""A summary about one person has that person's rows, whatever Applivery makes of the filter."""

from __future__ import annotations

from bot.domain.downloads import Tally
from bot.domain.model import Download, Member, MemberDownloads
from bot.slack.reporting import OneOf


def test_rows_of_others_are_left_out_although_applivery_gave_them() -> None:
    one = OneOf(Tally("UTC"), "Ana@acme.test")
    for email in ("ana@ACME.test", "anastasia@acme.test", None, ""):
        one.add(MemberDownloads(Member("user", "u", email, "Somebody"), (Download(),), 1))
    assert one.into.summary().recorded == 1
