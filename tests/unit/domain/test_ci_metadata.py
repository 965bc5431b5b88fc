"""Each CI system's environment, as it documents it, becomes the deployer of a build."""

from __future__ import annotations

import pytest

from bot.domain.ci_metadata import deployer
from bot.domain.uploads import CiMetadata

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/courier",
    "GITHUB_SHA": "ffac537e6cbbf934b08745a378932722df287a53",
    "GITHUB_REF": "refs/heads/release/2.4",
    "GITHUB_REF_NAME": "release/2.4",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_RUN_ID": "1658821493",
    "GITHUB_RUN_NUMBER": "173",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.com/acme/courier",
    "CI_COMMIT_SHA": "1ecfd275763eff1d6b4844ea3168962458c9f27a",
    "CI_COMMIT_MESSAGE": "Fix crash on login\n\nIt crashed.",
    "CI_COMMIT_BRANCH": "main",
    "CI_JOB_URL": "https://gitlab.com/acme/courier/-/jobs/42",
    "CI_PIPELINE_URL": "https://gitlab.com/acme/courier/-/pipelines/7",
    "CI_PIPELINE_IID": "10",
    "CI_PIPELINE_CREATED_AT": "2026-11-01T12:00:00Z",
}
BITRISE = {
    "BITRISE_IO": "true",
    "BITRISE_GIT_COMMIT": "",
    "GIT_CLONE_COMMIT_HASH": "abc123",
    "BITRISE_GIT_MESSAGE": "Fix crash",
    "BITRISE_GIT_BRANCH": "main",
    "BITRISE_GIT_TAG": "v2.4.0",
    "BITRISE_BUILD_URL": "https://app.bitrise.io/build/1",
    "BITRISE_APP_URL": "https://app.bitrise.io/app/2",
    "GIT_REPOSITORY_URL": "git@github.com:acme/courier.git",
    "BITRISE_BUILD_NUMBER": "88",
    "BITRISE_BUILD_TRIGGER_TIMESTAMP": "1558359012",
}
JENKINS = {
    "JENKINS_URL": "https://jenkins.acme.test/",
    "GIT_COMMIT": "abc123",
    "GIT_BRANCH": "origin/release/2.4",
    "GIT_URL": "https://bot:s3cret-token@git.acme.test:8443/courier.git",
    "BUILD_URL": "https://jenkins.acme.test/job/courier/12/",
    "BUILD_NUMBER": "12",
}
CIRCLE = {
    "CIRCLECI": "true",
    "CIRCLE_SHA1": "abc123",
    "CIRCLE_BRANCH": "main",
    "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/courier/54",
    "CIRCLE_REPOSITORY_URL": "https://github.com/acme/courier",
    "CIRCLE_BUILD_NUM": "54",
}
AZURE = {
    "TF_BUILD": "True",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
    "SYSTEM_TEAMPROJECT": "courier",
    "BUILD_BUILDID": "900",
    "BUILD_BUILDNUMBER": "20261101.3",
    "BUILD_SOURCEVERSION": "abc123",
    "BUILD_SOURCEVERSIONMESSAGE": "Fix crash",
    "BUILD_SOURCEBRANCH": "refs/heads/release/2.4",
    "BUILD_REPOSITORY_URI": "https://acme@dev.azure.com/acme/courier/_git/courier",
    "SYSTEM_PIPELINESTARTTIME": "2026-11-01 12:00:00+00:00",
}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            GITHUB,
            CiMetadata(
                "GitHub Actions", None, "ffac537e6cbbf934b08745a378932722df287a53", "release/2.4", None, None,
                "https://github.com/acme/courier/actions/runs/1658821493", "https://github.com/acme/courier/actions",
                "https://github.com/acme/courier", "173",
            ),
        ),
        (
            GITLAB,
            CiMetadata(
                "GitLab CI", "Fix crash on login\n\nIt crashed.", "1ecfd275763eff1d6b4844ea3168962458c9f27a", "main",
                None, 1793534400000, "https://gitlab.com/acme/courier/-/jobs/42",
                "https://gitlab.com/acme/courier/-/pipelines", "https://gitlab.com/acme/courier", "10",
            ),
        ),
        (
            BITRISE,
            CiMetadata(
                "Bitrise", "Fix crash", "abc123", "main", "v2.4.0", 1558359012000, "https://app.bitrise.io/build/1",
                "https://app.bitrise.io/app/2", "https://github.com/acme/courier", "88",
            ),
        ),
        (
            JENKINS,
            CiMetadata(
                "Jenkins", None, "abc123", "release/2.4", None, None, "https://jenkins.acme.test/job/courier/12/",
                "https://jenkins.acme.test/", "https://git.acme.test:8443/courier.git", "12",
            ),
        ),
        (
            CIRCLE,
            CiMetadata(
                "CircleCI", None, "abc123", "main", None, None, "https://circleci.com/gh/acme/courier/54",
                "https://app.circleci.com", "https://github.com/acme/courier", "54",
            ),
        ),
        (
            AZURE,
            CiMetadata(
                "Azure Pipelines", "Fix crash", "abc123", "release/2.4", None, 1793534400000,
                "https://dev.azure.com/acme/courier/_build/results?buildId=900",
                "https://dev.azure.com/acme/courier/_build", "https://dev.azure.com/acme/courier/_git/courier",
                "20261101.3",
            ),
        ),
        ({"PATH": "/bin", "USER": "ana"}, CiMetadata()),
    ],
    ids=["github", "gitlab", "bitrise", "jenkins", "circleci", "azure", "a laptop"],
)  # fmt: skip
def test_a_ci_system_s_environment_is_read(environment: dict[str, str], expected: CiMetadata) -> None:
    assert deployer(environment) == expected


@pytest.mark.parametrize(
    ("environment", "branch", "tag"),
    [
        ({**GITHUB, "GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v2"}, None, "v2"),
        ({**GITHUB, "GITHUB_HEAD_REF": "fix-login", "GITHUB_REF_NAME": "12/merge"}, "fix-login", None),
        ({**GITLAB, "CI_COMMIT_BRANCH": "", "CI_COMMIT_TAG": "v2"}, None, "v2"),
        ({**GITLAB, "CI_COMMIT_BRANCH": "", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "fix"}, "fix", None),
        ({**JENKINS, "TAG_NAME": "v2"}, None, "v2"),
        ({**JENKINS, "CHANGE_BRANCH": "fix", "BRANCH_NAME": "PR-7"}, "fix", None),
        ({**CIRCLE, "CIRCLE_BRANCH": "", "CIRCLE_TAG": "v2"}, None, "v2"),
        ({**AZURE, "BUILD_SOURCEBRANCH": "refs/tags/v2"}, None, "v2"),
        ({**AZURE, "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/fix"}, "fix", None),
    ],
)
def test_tags_and_merge_requests_are_told_from_branches(
    environment: dict[str, str], branch: str | None, tag: str | None
) -> None:
    found = deployer(environment)
    assert (found.branch or None, found.tag or None) == (branch, tag)


def test_github_s_commit_message_comes_from_the_event() -> None:
    event = {"head_commit": {"message": "Fix crash\n\nIt crashed.", "timestamp": "2026-11-01T13:00:00+01:00"}}
    found = deployer(GITHUB, event)
    assert (found.commit_message, found.triggered) == ("Fix crash\n\nIt crashed.", 1793534400000)
    asked = {"pull_request": {"title": "Fix login", "head": {"sha": "real"}}}
    found = deployer({**GITHUB, "GITHUB_HEAD_REF": "fix"}, asked)
    assert (found.commit, found.commit_message) == ("real", "Fix login")


@pytest.mark.parametrize("event", [{"head_commit": "x"}, {"pull_request": []}, {"head_commit": {"message": 7}}])
def test_an_odd_event_costs_nothing_else(event: dict[str, object]) -> None:
    assert deployer(GITHUB, event).commit == GITHUB["GITHUB_SHA"]


@pytest.mark.parametrize(
    "address",
    [
        "https://oauth2:glpat-secret@gitlab.com/acme/courier.git",
        "https://x-access-token:ghs_secret@github.com/acme/courier",
        "ssh://secret@git.acme.test:2222/courier",
    ],
)
def test_no_token_of_the_ci_system_gets_into_the_build(address: str) -> None:
    found = deployer({**JENKINS, "GIT_URL": address})
    assert "secret" not in str(found)
    assert found.repository_url is not None
    assert found.repository_url.startswith("https://")
