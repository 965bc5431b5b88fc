"""Read the deployer of a build from the environment variables of CI systems."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bot.domain.uploads import CiMetadata

Environment = Mapping[str, str]
Event = Mapping[str, Any]
_LOGIN = re.compile(r"^\w+@([^:/]+):(?!//)")


def deployer(environment: Environment, event: Event | None = None) -> CiMetadata:
    """Return the deployer from the CI system's environment variables; outside of CI all of its fields are unknown.

    `event` is the content of GitHub Actions' file GITHUB_EVENT_PATH, the only source of the commit message.
    """
    for mark, read in _SYSTEMS:
        if environment.get(mark):
            return read(environment, event or {})
    return CiMetadata()


def _github(env: Environment, event: Event) -> CiMetadata:
    """https://docs.github.com/en/actions/reference/workflows-and-actions/variables"""
    server, repository = env.get("GITHUB_SERVER_URL", "https://github.com"), env.get("GITHUB_REPOSITORY")
    address = f"{server}/{repository}" if repository else None
    head = _inner(event, "head_commit")
    asked = _inner(_inner(event, "pull_request"), "head")
    run = env.get("GITHUB_RUN_ID")
    is_tag = env.get("GITHUB_REF_TYPE") == "tag"
    return CiMetadata(
        name="GitHub Actions",
        commit_message=_text(head.get("message")) or _text(_inner(event, "pull_request").get("title")),
        # for a pull request, GITHUB_SHA is a temporary merge commit
        commit=_text(asked.get("sha")) or env.get("GITHUB_SHA"),
        branch=env.get("GITHUB_HEAD_REF") or (None if is_tag else env.get("GITHUB_REF_NAME")),
        tag=env.get("GITHUB_REF_NAME") if is_tag else None,
        triggered=_milliseconds(_text(head.get("timestamp"))),
        build_url=f"{address}/actions/runs/{run}" if address and run else None,
        ci_url=f"{address}/actions" if address else None,
        repository_url=address,
        build_number=env.get("GITHUB_RUN_NUMBER"),
    )


def _gitlab(env: Environment, _event: Event) -> CiMetadata:
    """https://docs.gitlab.com/ci/variables/predefined_variables/"""
    project = env.get("CI_PROJECT_URL")
    return CiMetadata(
        name="GitLab CI",
        commit_message=env.get("CI_COMMIT_MESSAGE"),
        commit=env.get("CI_COMMIT_SHA"),
        branch=env.get("CI_COMMIT_BRANCH") or env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
        tag=env.get("CI_COMMIT_TAG"),
        triggered=_milliseconds(env.get("CI_PIPELINE_CREATED_AT")),
        build_url=env.get("CI_JOB_URL") or env.get("CI_PIPELINE_URL"),
        ci_url=f"{project}/-/pipelines" if project else None,
        repository_url=_address(project),
        build_number=env.get("CI_PIPELINE_IID") or env.get("CI_PIPELINE_ID"),
    )


def _bitrise(env: Environment, _event: Event) -> CiMetadata:
    """https://docs.bitrise.io/en/bitrise-ci/references/available-environment-variables"""
    return CiMetadata(
        name="Bitrise",
        commit_message=env.get("BITRISE_GIT_MESSAGE") or env.get("GIT_CLONE_COMMIT_MESSAGE_SUBJECT"),
        commit=env.get("GIT_CLONE_COMMIT_HASH") or env.get("BITRISE_GIT_COMMIT"),
        branch=env.get("BITRISE_GIT_BRANCH"),
        tag=env.get("BITRISE_GIT_TAG"),
        triggered=_milliseconds(env.get("BITRISE_BUILD_TRIGGER_TIMESTAMP")),
        build_url=env.get("BITRISE_BUILD_URL"),
        ci_url=env.get("BITRISE_APP_URL"),
        repository_url=_address(env.get("GIT_REPOSITORY_URL")),
        build_number=env.get("BITRISE_BUILD_NUMBER"),
    )


def _circle(env: Environment, _event: Event) -> CiMetadata:
    """https://circleci.com/docs/reference/variables/"""
    return CiMetadata(
        name="CircleCI",
        commit=env.get("CIRCLE_SHA1"),
        branch=env.get("CIRCLE_BRANCH"),
        tag=env.get("CIRCLE_TAG"),
        build_url=env.get("CIRCLE_BUILD_URL"),
        ci_url="https://app.circleci.com",
        repository_url=_address(env.get("CIRCLE_REPOSITORY_URL")),
        build_number=env.get("CIRCLE_BUILD_NUM"),
    )


def _azure(env: Environment, _event: Event) -> CiMetadata:
    """https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables"""
    root, project, run = (env.get(name) for name in ("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_BUILDID"))
    ci = f"{(root or '').rstrip('/')}/{project}/_build" if root and project else None
    ref = env.get("SYSTEM_PULLREQUEST_SOURCEBRANCH") or env.get("BUILD_SOURCEBRANCH") or ""
    return CiMetadata(
        name="Azure Pipelines",
        commit_message=env.get("BUILD_SOURCEVERSIONMESSAGE"),
        commit=env.get("BUILD_SOURCEVERSION"),
        branch=None if ref.startswith("refs/tags/") else ref.removeprefix("refs/heads/") or None,
        tag=ref.removeprefix("refs/tags/") if ref.startswith("refs/tags/") else None,
        triggered=_milliseconds(env.get("SYSTEM_PIPELINESTARTTIME")),
        build_url=f"{ci}/results?buildId={run}" if ci and run else None,
        ci_url=ci,
        repository_url=_address(env.get("BUILD_REPOSITORY_URI")),
        build_number=env.get("BUILD_BUILDNUMBER"),
    )


def _jenkins(env: Environment, _event: Event) -> CiMetadata:
    """https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables and its Git plugin's"""
    tag = env.get("TAG_NAME")
    branch = env.get("CHANGE_BRANCH") or env.get("GIT_LOCAL_BRANCH") or env.get("BRANCH_NAME") or env.get("GIT_BRANCH")
    return CiMetadata(
        name="Jenkins",
        commit=env.get("GIT_COMMIT"),
        branch=None if tag else (branch or "").removeprefix("origin/") or None,
        tag=tag,
        build_url=env.get("BUILD_URL"),
        ci_url=env.get("JENKINS_URL"),
        repository_url=_address(env.get("GIT_URL")),
        build_number=env.get("BUILD_NUMBER"),
    )


# By a variable that only this system sets. Jenkins is last, since its variables are set in other systems too.
_SYSTEMS: tuple[tuple[str, Callable[[Environment, Event], CiMetadata]], ...] = (
    ("GITHUB_ACTIONS", _github),
    ("GITLAB_CI", _gitlab),
    ("BITRISE_IO", _bitrise),
    ("CIRCLECI", _circle),
    ("TF_BUILD", _azure),
    ("JENKINS_URL", _jenkins),
)


def _inner(data: Event, key: str) -> Event:
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _address(address: str | None) -> str | None:
    """Return the address of a repository without user and password, where CI systems put their tokens."""
    if not address or "://" not in address:
        return _LOGIN.sub(r"https://\1/", address).removesuffix(".git") if address else None
    try:
        parts = urlsplit(address)
        host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return None
    scheme = parts.scheme if parts.scheme in ("http", "https") else "https"
    return urlunsplit((scheme, host if scheme == parts.scheme else parts.hostname or "", parts.path, "", ""))


def _milliseconds(moment: str | None) -> int | None:
    """Return an ISO time, or seconds since 1970, in milliseconds since 1970; None for anything else."""
    if not moment:
        return None
    if moment.isascii() and moment.isdigit() and len(moment) < 17:
        return int(moment) * 1000 if len(moment) < 12 else int(moment)
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
