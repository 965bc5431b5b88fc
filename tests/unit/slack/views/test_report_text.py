"""A summary about one person has all of that person's rows and nobody else's."""

from __future__ import annotations

from bot.domain.downloads import DownloadAggregator
from bot.domain.members import MemberDirectory
from bot.domain.model import Download, Member, MemberDownloads
from bot.services.reports import OnePersonFilter


def test_one_person_has_rows_by_address_and_by_id() -> None:
    told = (("u1", "ana@ACME.test"), ("u2", "anastasia@acme.test"), ("u1", None), (None, None), ("u3", "Ana@acme.test"))
    rows = [MemberDownloads(Member("user", id_, email, "Somebody"), (Download(),), 1) for id_, email in told]
    known = MemberDirectory()
    for row in rows:
        known.add(row)
    filter_ = OnePersonFilter(DownloadAggregator("UTC"), known, known.found.who(Member("", email="ANA@acme.test")))
    for row in rows:
        filter_.add(row)
    assert filter_.into.summary().recorded == 3


def test_an_unknown_address_has_no_rows() -> None:
    known, row = MemberDirectory(), MemberDownloads(Member("user", "u1", None, "Ana"), (Download(),), 1)
    known.add(row)
    filter_ = OnePersonFilter(DownloadAggregator("UTC"), known, known.found.who(Member("", email="ana@acme.test")))
    filter_.add(row)
    assert filter_.into.summary().recorded == 0
