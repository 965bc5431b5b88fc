"""Where commits can be compared: the page of each known forge, and none that leads elsewhere."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.forges import compare_page

A, B = "a1b2c3d", "0123456789abcdef0123456789abcdef01234567"

PAGES = [
    ("https://github.com/acme/courier", "GitHub", f"https://github.com/acme/courier/compare/{A}...{B}"),
    ("https://github.com/acme/courier.git", "GitHub", f"https://github.com/acme/courier/compare/{A}...{B}"),
    ("http://www.github.com/acme/courier/", "GitHub", f"https://www.github.com/acme/courier/compare/{A}...{B}"),
    ("git@github.com:acme/courier.git", "GitHub", f"https://github.com/acme/courier/compare/{A}...{B}"),
    ("ssh://git@github.com:22/acme/courier.git", "GitHub", f"https://github.com/acme/courier/compare/{A}...{B}"),
    ("https://ana:secret@github.com/acme/courier", "GitHub", f"https://github.com/acme/courier/compare/{A}...{B}"),
    ("github.com/acme/courier", "GitHub", f"https://github.com/acme/courier/compare/{A}...{B}"),
    ("https://github.com/acme/courier/tree/main", "GitHub", f"https://github.com/acme/courier/compare/{A}...{B}"),
    ("ssh://git@ssh.github.com:443/acme/courier.git", "GitHub", f"https://github.com/acme/courier/compare/{A}...{B}"),
    ("https://gitlab.com/acme/a/src", "GitLab", f"https://gitlab.com/acme/a/src/-/compare/{A}...{B}"),
    ("https://gitlab.com/acme/courier/-/tree/main", "GitLab", f"https://gitlab.com/acme/courier/-/compare/{A}...{B}"),
    ("git@github.acme.com:a/b.git", "github.acme.com", f"https://github.acme.com/a/b/compare/{A}...{B}"),
    (
        "https://gitlab.com/acme/mobile/courier.git",
        "GitLab",
        f"https://gitlab.com/acme/mobile/courier/-/compare/{A}...{B}",
    ),
    (
        "https://oauth2:glpat-1@gitlab.acme.com:8443/acme/courier",
        "gitlab.acme.com:8443",
        f"https://gitlab.acme.com:8443/acme/courier/-/compare/{A}...{B}",
    ),
    (
        "git@bitbucket.org:acme/courier.git",
        "Bitbucket",
        f"https://bitbucket.org/acme/courier/branches/compare/{B}%0D{A}",
    ),
    (
        "https://acme@dev.azure.com/acme/My%20Apps/_git/courier",
        "Azure DevOps",
        f"https://dev.azure.com/acme/My%20Apps/_git/courier/branchCompare?baseVersion=GC{A}&targetVersion=GC{B}",
    ),
    (
        "git@ssh.dev.azure.com:v3/acme/Apps/courier",
        "Azure DevOps",
        f"https://dev.azure.com/acme/Apps/_git/courier/branchCompare?baseVersion=GC{A}&targetVersion=GC{B}",
    ),
    (
        "https://acme.visualstudio.com/Apps/_git/courier",
        "Azure DevOps",
        f"https://acme.visualstudio.com/Apps/_git/courier/branchCompare?baseVersion=GC{A}&targetVersion=GC{B}",
    ),
    ("https://codeberg.org/acme/courier.git", "Codeberg", f"https://codeberg.org/acme/courier/compare/{A}...{B}"),
    (
        "gitea@gitea.acme.com:acme/courier.git",
        "gitea.acme.com",
        f"https://gitea.acme.com/acme/courier/compare/{A}...{B}",
    ),
]


def test_compare_page_of_each_forge() -> None:
    found = [(address, *(compare_page(address, A, B) or ("", ""))) for address, _, _ in PAGES]
    assert found == PAGES


UNKNOWN = [
    "",
    "courier",
    "acme/courier",
    "https://git.acme.example/mobile",
    "https://github.com",
    "https://github.com/acme",
    "javascript://github.com/acme/courier",
    "https://evil.test/github.com/acme/courier",
    "https://github.com:port/acme/courier",
    "https://github.com/acme/../courier",
    "https://bitbucket.acme.com/scm/acme/courier.git",
    "https://github.com/acme/cou<rier",
    "https://[github.com/acme/courier",
    "/srv/git/courier.git",
    "file:///srv/git/courier.git",
]


def test_compare_page_is_none_for_what_is_no_known_forge() -> None:
    assert [address for address in UNKNOWN if compare_page(address, A, B)] == []


@pytest.mark.parametrize("commit", ["", "main", "abc123", "a1b2c3d&x=1", "a1b2c3d/../..", "g" * 40, "a" * 65])
def test_compare_page_is_none_for_what_is_no_commit(commit: str) -> None:
    assert compare_page("https://github.com/acme/courier", commit, B) is None
    assert compare_page("https://github.com/acme/courier", A, commit) is None


def test_compare_page_names_the_host_that_looks_like_a_forge() -> None:
    page = compare_page("https://github.com.evil.test/acme/courier", A, B)
    assert page is not None
    assert page.place == "github.com.evil.test"


@given(
    st.text(max_size=60), st.sampled_from(["https://github.com/", "git@gitlab.com:", "https://u:p@codeberg.org/", ""])
)
def test_compare_page_is_https_without_credentials(rest: str, start: str) -> None:
    page = compare_page(start + rest, A, B)
    if page is not None:
        parts = urlsplit(page.url)
        assert parts.scheme == "https"
        assert parts.username is parts.password is None
        assert page.url.isprintable()
        assert not set(page.url) & set(' <>|"')
