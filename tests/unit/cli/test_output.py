from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli import options
from bot.cli.output import words
from bot.domain import uploads
from bot.domain.uploads import TransferProgress


@pytest.mark.parametrize(
    ("pace", "said"),
    [
        (TransferProgress(0, 960_000_000, 0.0, None), "0% · 0 bytes of 960.0 MB"),
        (TransferProgress(412_000_000, 960_000_000, 12_345_678.0, 44.4),
         "42% · 412.0 MB of 960.0 MB · 12.3 MB/s · 44 s left"),
        (TransferProgress(9_000_000, 9_000_000, 9.0, 0.0),
         "100% · 9.0 MB of 9.0 MB · sent, waiting for Applivery"),
    ],
)  # fmt: skip
def test_a_line_of_progress_has_bytes_rate_and_time_left(pace: TransferProgress, said: str) -> None:
    assert words(pace) == said


def test_help_names_every_language_and_platform_there_is() -> None:
    said = Path(options.__file__).read_text()
    assert f"Language of the email: {' '.join(uploads.LANGUAGES)}." in said
    assert f"Platform: {' '.join(uploads.PLATFORMS)}." in said
