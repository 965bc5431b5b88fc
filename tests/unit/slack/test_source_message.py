from __future__ import annotations

from typing import Any

import pytest

from bot.slack.source_message import NO_MESSAGE, SourceFile, SourceMessage, read_message


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Faster &amp; smaller &lt;now&gt;", "Faster & smaller <now>"),
        ("<@U012|ana> and <@U034>, see <#C01|releases>", "@ana and @U034, see #releases"),
        ("<!channel> <!here|here> <!subteam^S1|@qa>", "@channel here @qa"),
        ("<https://acme.test/1|the ticket> <https://acme.test|acme.test>", "the ticket (https://acme.test/1) https://acme.test"),
        ("a < b and b > a", "a < b and b > a"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_message_reads_as_its_writer_saw_it(written: str, read: str) -> None:
    assert read_message({"text": written}).text == read


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({}, NO_MESSAGE),
        ({"files": [{"id": "F1", "name": "a.ipa", "size": 4}]}, SourceMessage("", (SourceFile("F1", "a.ipa", 4),))),
        ({"files": [{"id": "F1", "file_access": "check_file_info"}]}, SourceMessage("", (SourceFile("F1"),))),
        ({"files": [None, {"name": "no id"}, {"id": "F1", "size": "4"}]}, SourceMessage("", (SourceFile("F1"),))),
    ],
)
def test_files_are_known_as_far_as_slack_says(message: dict[str, Any], expected: SourceMessage) -> None:
    assert read_message(message) == expected
