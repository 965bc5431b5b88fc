"""Which file a build is had as: by its platform, its extension and what was read out of it."""

from __future__ import annotations

import pytest

from bot.domain import install
from bot.domain.model import FileKind
from tests.support.facts import build

AUTO, FILE, AAB = FileKind.AUTO, FileKind.FILE, FileKind.AAB


@pytest.mark.parametrize(
    ("platform", "extension", "kinds", "word"),
    [
        ("ios", "ipa", (AUTO, FILE), ".ipa"),
        ("ios", None, (AUTO, FILE), ".ipa"),
        ("ios", "zip", (FILE,), ".zip"),
        ("ipados", "ipa", (AUTO, FILE), ".ipa"),
        ("tvos", "ipa", (AUTO, FILE), ".ipa"),
        ("android", "apk", (AUTO,), ".apk"),
        ("android", None, (AUTO,), ".apk"),
        ("android", "aab", (AUTO, AAB), ".apk"),
        ("macos", "pkg", (FILE,), ".pkg"),
        ("macos", "dmg", (FILE,), ".dmg"),
        ("macos", "zip", (FILE,), ".zip"),
        ("macos", None, (FILE,), ".pkg"),
        ("windows", "exe", (FILE,), ".exe"),
        ("windows", "msi", (FILE,), ".msi"),
        ("windows", "msixbundle", (FILE,), ".msixbundle"),
        ("windows", "appx", (FILE,), ".appx"),
        ("windows", None, (FILE,), "file"),
        ("linux", "tar.gz", (FILE,), ".tar.gz"),
        ("ps5", "zip", (FILE,), ".zip"),
        ("switch", "nsp", (FILE,), ".nsp"),
        ("xbox-series", "msixvc", (FILE,), ".msixvc"),
        ("quantumos", None, (FILE,), "file"),
        ("", None, (FILE,), "file"),
        ("", "rpm", (FILE,), ".rpm"),
        ("windows", "../x", (FILE,), "file"),
    ],
)
def test_a_file_is_what_all_evidence_says(
    platform: str, extension: str | None, kinds: tuple[FileKind, ...], word: str
) -> None:
    new_build = build(platform=platform, extension=extension)
    assert install.kinds(new_build) == kinds
    assert str(install.file_word(new_build, install.usual_kind(new_build))) == word
    assert install.usual_kind(new_build) is (AUTO if "apk" in word else FILE)


@pytest.mark.parametrize(
    ("platform", "extension", "wanted", "given"),
    [
        ("macos", "pkg", AUTO, FILE),
        ("windows", "exe", AUTO, FILE),
        ("", None, AUTO, FILE),
        ("android", "apk", FILE, FILE),
        ("android", "apk", AAB, AUTO),
        ("android", "aab", AAB, AAB),
        ("android", None, AAB, AAB),
        ("ios", "ipa", AUTO, AUTO),
        ("ios", "ipa", AAB, FILE),
    ],
)
def test_an_undocumented_kind_becomes_the_usual_one(
    platform: str, extension: str | None, wanted: FileKind, given: FileKind
) -> None:
    assert install.nearest_kind(build(platform=platform, extension=extension), wanted) is given
