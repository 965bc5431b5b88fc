"""The compare page with the commits between two builds, for known forges; pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
# git@github.com:acme/courier.git: https://git-scm.com/docs/git-clone#_git_urls
_LOGIN = re.compile(r"(?:[\w.+-]+@)?([\w.-]+):(?!//)(?!\d+/)(.+)")
_WITHOUT_SCHEME = re.compile(r"[\w-]+(?:\.[\w-]+)+/.+")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")
# SSH over the HTTPS port: https://docs.github.com/en/authentication/troubleshooting-ssh/using-ssh-over-the-https-port,
# https://about.gitlab.com/blog/gitlab-dot-com-now-supports-an-alternate-git-plus-ssh-port/,
# https://support.atlassian.com/bitbucket-cloud/docs/troubleshoot-ssh-issues/
_SSH_HOSTS = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
_OWNER_AND_NAME = frozenset({"github.com", "www.github.com", "bitbucket.org", "codeberg.org", "gitea.com"})
_PAGES = frozenset({"actions", "blob", "branch", "commit", "commits", "pull", "releases", "src", "tree"})
_PART = re.compile(r"[^\x00-\x20\x7f<>|\"\\^`{}?#]+")


class ComparePage(NamedTuple):
    """The page of a forge that compares two commits.

    `place` is the name of the forge or, for a self-hosted one, whose address may lead anywhere, its host.
    """

    place: str
    url: str


def compare_page(repository: str, last_good: str, first_bad: str) -> ComparePage | None:
    """Return the page with the commits after `last_good` up to `first_bad`; None for an unknown forge or commit.

    `repository` is any address for `git clone`. The result never contains its user or password.
    """
    place = _place(repository.strip())
    if place is None or not (_COMMIT.fullmatch(last_good) and _COMMIT.fullmatch(first_bad)):
        return None
    host, path = place
    for forge, hosts, page in _FORGES:
        own = host.startswith(f"{forge.lower()}.")  # as in gitlab.acme.com
        if (host in hosts or own) and (url := page(host, path, last_good, first_bad)):
            return ComparePage(forge if host in hosts else host, url)
    if host.endswith(".visualstudio.com") and (url := _azure(host, path, last_good, first_bad)):
        return ComparePage(_AZURE, url)
    return None


def _place(repository: str) -> tuple[str, list[str]] | None:
    """Return the host of a repository and the parts of its path."""
    if _WITHOUT_SCHEME.fullmatch(repository):
        repository = f"https://{repository}"
    if "://" in repository:
        try:
            parts = urlsplit(repository)
            host, path = (parts.hostname or "").lower(), parts.path
            port = f":{parts.port}" if parts.port and parts.scheme in ("http", "https") else ""
        except ValueError:
            return None
        if parts.scheme not in ("http", "https", "ssh", "git", "git+ssh", "git+https"):
            return None
    elif match := _LOGIN.fullmatch(repository):
        host, path, port = match[1].lower(), match[2], ""
    else:
        return None
    found = [unquote(part) for part in path.removesuffix("/").removesuffix(".git").split("/") if part]
    if not _HOST.fullmatch(host) or not all(_PART.fullmatch(part.replace(" ", "")) for part in found):
        return None
    if any(part in (".", "..") for part in found):
        return None
    host = _SSH_HOSTS.get(host, host)
    return f"{host}{port}", _repository(host, found)


def _repository(host: str, path: list[str]) -> list[str]:
    """Return the path of a repository, also from the address of one of its pages."""
    if host in _OWNER_AND_NAME and len(path) > 2 and path[2] in _PAGES:
        return path[:2]
    return path[: path.index("-")] if "-" in path else path


def _web(host: str, *path: str) -> str:
    return f"https://{host}/{'/'.join(quote(part, safe='~@+') for part in path)}"


def _github(host: str, path: list[str], last_good: str, first_bad: str) -> str:
    """https://docs.github.com/en/pull-requests/committing-changes-to-your-project/viewing-and-comparing-commits/comparing-commits"""
    return f"{_web(host, *path)}/compare/{last_good}...{first_bad}" if len(path) == 2 else ""


def _gitlab(host: str, path: list[str], last_good: str, first_bad: str) -> str:
    """https://docs.gitlab.com/user/project/repository/compare_revisions/"""
    return f"{_web(host, *path)}/-/compare/{last_good}...{first_bad}" if len(path) >= 2 else ""


def _bitbucket_cloud(host: str, path: list[str], last_good: str, first_bad: str) -> str:
    """https://support.atlassian.com/bitbucket-cloud/docs/compare-branches-tags-and-commits/"""
    is_cloud = host == "bitbucket.org"  # a self-hosted Bitbucket Server has no such page
    return f"{_web(host, *path)}/branches/compare/{first_bad}%0D{last_good}" if is_cloud and len(path) == 2 else ""


def _azure(host: str, path: list[str], last_good: str, first_bad: str) -> str:
    """https://learn.microsoft.com/en-us/azure/devops/repos/git/view-git-history"""
    if path[:1] == ["v3"] and len(path) == 4:  # SSH address: v3/organization/project/repository
        host, path = "dev.azure.com", [path[1], path[2], "_git", path[3]]
    if "_git" not in path[:-1]:
        return ""
    return f"{_web(host, *path)}/branchCompare?baseVersion=GC{last_good}&targetVersion=GC{first_bad}"


_AZURE = "Azure DevOps"
_FORGES: tuple[tuple[str, tuple[str, ...], Callable[[str, list[str], str, str], str]], ...] = (
    ("GitHub", ("github.com", "www.github.com"), _github),
    ("GitLab", ("gitlab.com",), _gitlab),
    ("Bitbucket", ("bitbucket.org",), _bitbucket_cloud),
    (_AZURE, ("dev.azure.com", "ssh.dev.azure.com"), _azure),
    ("Codeberg", ("codeberg.org",), _github),
    ("Gitea", ("gitea.com",), _github),
    ("Forgejo", (), _github),
)
