"""`upload` on the shell: what is sent, what is said, and how it ends, with real processes against the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
from pathlib import Path
from typing import Any

import pytest

from bot.domain.model import Stage
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.e2e.test_cli import Ended, begun, ended, environment, shell
from tests.support.seeing import labels

IPA = b"PK\x03\x04" + bytes(range(256)) * 100
POSTING = "POST *builds"


@pytest.fixture
def ipa(tmp_path: Path) -> Path:
    file = tmp_path / "courier.ipa"
    file.write_bytes(IPA)
    return file


def service_account(world: Environment, **changes: str) -> dict[str, str]:
    url = world.applivery.url
    hosts = dict.fromkeys(("APPLIVERY_API_URL", "APPLIVERY_UPLOAD_URL", "APPLIVERY_DASHBOARD_URL"), url)
    return {**hosts, "APPLIVERY_TOKEN": world.applivery.token, "APPLIVERY_ORGANIZATION": "acme", **changes}


def app_token(world: Environment, **changes: str) -> dict[str, str]:
    settings = service_account(world, **changes)
    del settings["APPLIVERY_TOKEN"], settings["APPLIVERY_ORGANIZATION"]
    return {**settings, "APPLIVERY_APP_TOKEN": world.courier.token, **changes}


async def upload(world: Environment, file: Path, *words: str, **settings: str) -> Ended:
    settings = settings or service_account(world)
    return await shell(world.folder, "upload", str(file), *words, **settings)


# ------------------------------------------------------------------ both APIs


async def test_upload_service_account_names_app_and_prints_dashboard(world: Environment, ipa: Path) -> None:
    done = await upload(world, ipa, "--app", "courier", "--version-name", "2.4.0")
    [build] = world.applivery.builds
    assert done.code == 0, done.err
    assert build.file("package").kept == IPA  # type: ignore[union-attr]
    assert f"{world.applivery.url}/acme/apps/courier/builds?id={build.id}" in done.out
    assert "Applivery is processing it." in done.out
    assert world.applivery.requests[-1].path.startswith("/v1/organizations/acme/")
    assert world.applivery.token not in done.out + done.err


async def test_upload_app_token_needs_no_app_and_no_workspace(world: Environment, ipa: Path) -> None:
    done = await upload(world, ipa, "--json", **app_token(world))
    [build] = world.applivery.builds
    said = json.loads(done.out)
    assert (done.code, said["ok"], said["build"]["id"]) == (0, True, build.id)
    assert said["build"] | {"url": None, "app": "courier", "stage": Stage.PENDING} == said["build"]
    assert {request.path for request in world.applivery.requests} == {"/v1/integrations/builds"}


async def test_every_option_arrives_under_its_documented_field(world: Environment, ipa: Path, tmp_path: Path) -> None:
    (tmp_path / "icon.png").write_bytes(b"\x89PNG\r\n\x1a\nicon")
    (tmp_path / "notes.txt").write_bytes("\ufeffFaster\nNew icon\n".encode())
    words = {
        "--version-name": "v2.4.0", "--changelog-file": str(tmp_path / "notes.txt"), "--notify-message": "For QA",
        "--notify-language": "es", "--filter": "g1, g2|g3", "--build-platform": "switch", "--package-name": "com.acme",
        "--package-version": "2.4", "--package-icon": str(tmp_path / "icon.png"), "--deployer-name": "Own CI",
        "--commit": "f52ace0", "--commit-message": "Fix", "--branch": "main", "--git-tag": "v2", "--build-number": "7",
        "--trigger-timestamp": "1558359012580", "--build-url": "https://ci.test/7", "--ci-url": "https://ci.test",
        "--repository-url": "https://git.test/app",
    }  # fmt: skip
    several = ["--tag", "staging, rc", "--tag", "qa", "--notify-employees", "--notify-collaborators"]
    listed = [word for pair in words.items() for word in pair]
    done = await upload(world, ipa, "--app", "Courier", *several, *listed)
    assert done.code == 0, done.err
    [build] = world.applivery.builds
    assert build.form == {
        "versionName": "v2.4.0", "tags": "staging,rc,qa", "changelog": "Faster\nNew icon",
        "notifyCollaborators": "true", "notifyEmployees": "true", "notifyMessage": "For QA", "notifyLanguage": "es",
        "filter[0][0]": "g1", "filter[0][1]": "g2", "filter[1][0]": "g3",
        "buildPlatform": "switch", "packageName": "com.acme", "packageVersion": "2.4",
        "deployer.name": "Own CI", "deployer.info.commit": "f52ace0", "deployer.info.commitMessage": "Fix",
        "deployer.info.branch": "main", "deployer.info.tag": "v2", "deployer.info.buildNumber": "7",
        "deployer.info.triggerTimestamp": "1558359012580", "deployer.info.buildUrl": "https://ci.test/7",
        "deployer.info.ciUrl": "https://ci.test", "deployer.info.repositoryUrl": "https://git.test/app",
    }  # fmt: skip
    assert build.icon.kept == b"\x89PNG\r\n\x1a\nicon"  # type: ignore[union-attr]


async def test_upload_ci_environment_is_read_and_can_be_overridden(
    world: Environment, ipa: Path, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"head_commit": {"message": "Fix the crash"}}))
    github = {
        "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/app", "GITHUB_SHA": "abc", "GITHUB_REF_NAME": "main",
        "GITHUB_REF_TYPE": "branch", "GITHUB_RUN_ID": "9", "GITHUB_RUN_NUMBER": "17", "GITHUB_EVENT_PATH": str(event),
    }  # fmt: skip
    done = await upload(world, ipa, "--app", "courier", "--branch", "release/2.4", **service_account(world, **github))
    assert done.code == 0, done.err
    info = world.applivery.builds[0].wire["deployer"]
    assert info["name"] == "GitHub Actions"
    assert info["info"] == {
        "commitMessage": "Fix the crash", "commit": "abc", "branch": "release/2.4", "buildNumber": "17",
        "buildUrl": "https://github.com/acme/app/actions/runs/9", "ciUrl": "https://github.com/acme/app/actions",
        "repositoryUrl": "https://github.com/acme/app",
    }  # fmt: skip


# ------------------------------------------------------------------ to the end


async def test_wait_ends_with_0_when_the_build_is_ready(world: Environment, ipa: Path) -> None:
    process = await begun(
        world.folder, "upload", str(ipa), "--app", "courier", "--wait", "--every", "0.1", "--json",
        **service_account(world),
    )  # fmt: skip
    [build] = await world.applivery.until(lambda: world.applivery.builds, 20)
    world.applivery.faults.add(f"GET */builds/{build.id}", Fault(status=500, error="no"))
    world.applivery.move(build, "in_progress")
    await world.applivery.until(lambda: looks(world, build.id) > 2, 20)
    assert process.returncode is None
    world.applivery.move(build, "processed")
    done = await ended(process)
    said = json.loads(done.out)
    assert done.code == 0, done.err
    assert (said["build"]["stage"], said["build"]["status"]) == (Stage.READY, "processed")
    assert "Status: in_progress." in done.err


def looks(world: Environment, build_id: str) -> int:
    return sum(request.path.endswith(f"/builds/{build_id}") for request in world.applivery.requests)


async def test_upload_wait_failed_processing_exits_1_with_reason(world: Environment, ipa: Path) -> None:
    process = await begun(
        world.folder, "upload", str(ipa), "--app", "courier", "--wait", "--every", "0.1", "--json",
        **service_account(world),
    )  # fmt: skip
    [build] = await world.applivery.until(lambda: world.applivery.builds, 20)
    world.applivery.fail(build, "The signature is broken\n\x1b[31m", "1008")
    done = await ended(process)
    said = json.loads(done.out)
    assert (done.code, said["ok"], said["build"]["stage"]) == (1, False, Stage.FAILED)
    assert "code 1008" in said["error"]["message"]
    assert "The signature is broken" in done.err
    assert "builds-processing-codes" in done.err
    assert "\x1b" not in done.err
    assert f"builds?id={build.id}" in said["build"]["url"]


async def test_wait_says_a_status_it_does_not_know(world: Environment, ipa: Path) -> None:
    process = await begun(
        world.folder, "upload", str(ipa), "--app", "courier", "--wait", "--every", "0.1", "--timeout", "0.05", "--json",
        **service_account(world),
    )  # fmt: skip
    [build] = await world.applivery.until(lambda: world.applivery.builds, 20)
    world.applivery.move(build, "thawing")
    done = await ended(process)
    assert (done.code, json.loads(done.out)["build"]["stage"]) == (1, Stage.UNKNOWN)
    assert "Status: unknown status “thawing”." in done.err
    assert "(unknown status “thawing”)" in done.err


@pytest.mark.parametrize(
    ("wire", "code", "words"),
    [
        ({"errorCode": 1008, "error": "Bad signature"}, 1008, "(code 1008): Bad signature"),
        ({"errorCode": "1008", "error": None}, 1008, "(code 1008): Applivery gave no reason."),
        ({"error": {"code": 1012, "message": "No icon"}, "errorCode": None}, 1012, "(code 1012): No icon"),
        ({"error": {"code": "E-7"}, "errorCode": None}, "E-7", "(code E-7)"),
        ({"error": "Bad signature", "errorCode": None}, None, "the build: Bad signature"),
    ],
)
async def test_a_processing_error_s_code_is_told(
    world: Environment, ipa: Path, wire: dict[str, Any], code: int | str | None, words: str
) -> None:
    process = await begun(
        world.folder, "upload", str(ipa), "--app", "courier", "--wait", "--every", "0.1", "--json",
        **service_account(world),
    )  # fmt: skip
    [build] = await world.applivery.until(lambda: world.applivery.builds, 20)

    def failed(body: Any) -> Any:
        return {**body, "data": {**body["data"], "status": "error", **wire}}

    world.applivery.reshape(f"GET *builds/{build.id}", failed)
    done = await ended(process)
    said = json.loads(done.out)
    assert (done.code, said["error"]["code"], said["build"]["stage"]) == (1, code, Stage.FAILED)
    assert words in said["error"]["message"]
    assert words in done.err


async def test_upload_wait_timeout_exits_1_with_last_status(world: Environment, ipa: Path) -> None:
    done = await upload(world, ipa, "--app", "courier", "--wait", "--every", "0.1", "--timeout", "0.01")
    assert done.code == 1
    assert "(“pending”)" in done.err
    assert "would create a duplicate" in done.err


async def test_the_vendor_s_own_example_is_sent_as_it_is(world: Environment, ipa: Path) -> None:
    """Mail to collaborators, none to employees, and a filter: S004 of the API's documentation."""
    mailed = [
        "--notify-collaborators",
        "--filter",
        "group1,group2|group3",
        "--notify-message",
        "New build ready for QA",
    ]
    done = await upload(world, ipa, "--app", "courier", "--tag", "staging, sprint-42", *mailed)
    assert done.code == 0, done.err
    form = world.applivery.builds[0].form
    assert (form["notifyCollaborators"], form["notifyEmployees"]) == ("true", "false")
    assert {name: form[name] for name in form if name.startswith("filter")} == {
        "filter[0][0]": "group1", "filter[0][1]": "group2", "filter[1][0]": "group3",
    }  # fmt: skip


# ------------------------------------------------------------------ what may not be looked at

REFUSED_LOOKS = [
    Fault(status=403, code=5004, error="Plan"),
    Fault(status=403, error="Forbidden"),
    Fault(status=403, code=5003, error="Limit"),
    Fault(status=400, code=6002, error="Body Validation Error"),
    Fault(status=404, code=3001, error="Entity not found"),
    Fault(status=200, body="<h1>Hello</h1>"),
]


@pytest.mark.parametrize("fault", REFUSED_LOOKS)
async def test_a_list_that_is_refused_stops_no_upload(world: Environment, ipa: Path, fault: Fault) -> None:
    world.applivery.faults.add("GET *builds", fault, times=None)
    done = await upload(world, ipa, "--json", **app_token(world))
    said = json.loads(done.out)
    assert (done.code, said["ok"]) == (0, True), done.err
    assert said["build"]["id"] == world.applivery.builds[0].id
    world.applivery.faults.add(POSTING, Fault(drop_after=True))
    done = await upload(world, ipa, "--json", **app_token(world))
    assert (done.code, json.loads(done.out)["error"]["kind"]) == (1, "UploadUnsure")
    assert "I couldn't check whether it arrived" in done.err
    assert len(world.applivery.builds) == 2, "it is not sent again"


@pytest.mark.parametrize("fault", REFUSED_LOOKS[:2])
async def test_apps_that_may_not_be_listed_are_named_by_id(world: Environment, ipa: Path, fault: Fault) -> None:
    world.applivery.faults.add("GET *apps/", fault, times=None)
    world.applivery.faults.add("GET *apps", fault, times=None)
    for name in ("courier", world.courier.id):
        done = await upload(world, ipa, "--app", name, "--json")
        assert (done.code, json.loads(done.out)["build"]["app"]) == (0, "courier"), done.err
    done = await upload(world, ipa, "--app", "The Courier", "--json")
    assert done.code == 1
    assert "This token can't list apps. Set --app to the app's id or slug." in done.err
    assert len(world.applivery.builds) == 2


@pytest.mark.parametrize("fault", REFUSED_LOOKS[:3])
async def test_a_build_that_may_not_be_seen_is_uploaded_all_the_same(
    world: Environment, ipa: Path, fault: Fault
) -> None:
    world.applivery.faults.add("GET *builds/*", fault, times=None)
    done = await upload(world, ipa, "--app", "courier", "--wait", "--every", "0.1", "--json")
    said = json.loads(done.out)
    assert (done.code, said["ok"], said["build"]["id"]) == (1, False, world.applivery.builds[0].id)
    assert said["error"]["message"].startswith("Uploaded, but its status can't be read:")
    assert "may not upload" not in done.err
    assert "way of uploading" not in done.err


@pytest.mark.parametrize("fault", REFUSED_LOOKS[:2])
async def test_a_build_that_may_not_be_seen_can_be_attached_to(world: Environment, ipa: Path, fault: Fault) -> None:
    build = world.applivery.build(world.courier)
    world.applivery.faults.add("GET *builds/*", fault, times=None)
    done = await shell(world.folder, "attach", build.id, str(ipa), "--json", **app_token(world))
    assert (done.code, json.loads(done.out)["attached"]) == (0, "courier.ipa"), done.err


# ------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (Fault(status=400, code=5024, error="Slug already used"), "NameTaken", 5024),
        (Fault(status=401, code=3002, error="Token Expired"), "CredentialRefused", 3002),
        (Fault(status=403, code=5003, error="Limit Exceeded"), "QuotaReached", 5003),
        (Fault(status=413, body="too large"), "UploadRejected", None),
    ],
)
async def test_a_refusal_ends_with_1_and_is_in_the_json(
    world: Environment, ipa: Path, fault: Fault, kind: str, code: int | None
) -> None:
    world.applivery.faults.add(POSTING, fault)
    done = await upload(world, ipa, "--app", "courier", "--json")
    said = json.loads(done.out)
    assert (done.code, said["ok"]) == (1, False)
    assert (said["error"]["kind"], said["error"]["code"]) == (kind, code)
    assert "Nothing was uploaded" in said["error"]["next_step"]
    assert "Traceback" not in done.err
    assert not world.applivery.builds


async def test_upload_lost_answer_build_found_is_reported(world: Environment, ipa: Path) -> None:
    world.applivery.faults.add(POSTING, Fault(drop_after=True))
    done = await upload(world, ipa, "--app", "courier", "--version-name", "2.4.0")
    assert done.code == 0, done.err
    assert "No answer from Applivery. Checking whether it has the build" in done.out
    assert "Found it in Applivery: a new build with the same version and size." in done.out
    assert len(world.applivery.builds) == 1


async def test_upload_cut_connection_exits_1_without_blaming_file(world: Environment, tmp_path: Path) -> None:
    large = tmp_path / "large.ipa"
    large.write_bytes(IPA[:4] + bytes(60_000_000))
    world.applivery.faults.add(POSTING, Fault(drop_at=0.5))
    done = await upload(world, large, "--app", "courier", "--json")
    assert done.code == 1
    assert json.loads(done.out)["error"]["kind"] == "UploadUnsure"
    assert "before the whole file was sent. I found no new build" in done.err
    assert not world.applivery.builds


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        (("--app", "courier"), {"APPLIVERY_TOKEN": ""}, "No Applivery token set."),
        ((), {}, "No app given. Add --app"),
        (("--app", "couier"), {}, "There is no app called “couier”. Did you mean `Courier`?"),
        (
            ("--app", "courier"),
            {"APPLIVERY_TOKEN": "", "APPLIVERY_APP_TOKEN": "x"},
            "--app needs a Service Account token",
        ),
        (("--app", "courier", "--filter", "a,,b"), {}, "has a separator without a group name"),
        (("--app", "courier", "--changelog", "a", "--changelog-file", "b"), {}, "exclude each other"),
        (("--app", "courier", "--package-icon", "courier.ipa"), {}, "isn't a PNG or JPEG"),
        (("--app", "courier", "--announce", "#releases"), {}, "--announce needs SLACK_BOT_TOKEN"),
        (("--app", "courier"), {"APPLIVERY_API_URL": "nowhere"}, "APPLIVERY_API_URL: isn't a web address"),
    ],
)
async def test_a_call_that_has_to_be_changed_ends_with_2(
    world: Environment, ipa: Path, words: tuple[str, ...], settings: dict[str, str], said: str
) -> None:
    done = await upload(world, ipa, *words, **service_account(world, **settings))
    assert done.code == 2, done.err
    assert said in done.err
    assert "Traceback" not in done.err
    assert not world.applivery.builds


async def test_a_file_that_is_not_there_or_no_build_ends_with_2(world: Environment, tmp_path: Path) -> None:
    (tmp_path / "empty.ipa").touch()
    (tmp_path / "notes.txt").write_text("notes")
    for name, words in (("none.ipa", "No file"), ("empty.ipa", "is empty"), ("notes.txt", "as a build")):
        done = await upload(world, tmp_path / name, "--app", "courier")
        assert done.code == 2
        assert words in done.err


async def test_a_token_of_the_other_api_is_told_apart(world: Environment, ipa: Path) -> None:
    mistaken = service_account(world, APPLIVERY_TOKEN=world.courier.token)
    done = await upload(world, ipa, "--app", "courier", **mistaken)
    assert done.code == 1
    assert "is an App API Token. This needs the token of a Service Account" in done.err
    assert world.courier.token not in done.err


# ------------------------------------------------------------------ the card


async def test_upload_announce_posts_card_with_working_button(world: Environment, ipa: Path) -> None:
    await world.start()
    slack = {"SLACK_BOT_TOKEN": world.slack.bot_token, "SLACK_API_URL": world.slack.api_url}
    process = await begun(
        world.folder, "upload", str(ipa), "--app", "courier", "--announce", "#releases", "--every", "0.1", "--json",
        **service_account(world, **slack),
    )  # fmt: skip
    [build] = await world.applivery.until(lambda: world.applivery.builds, 20)
    assert not world.slack.messages(world.releases)
    world.applivery.move(build, "processed")
    done = await ended(process)
    assert (done.code, json.loads(done.out)["announced"]) == (0, "#releases"), done.err
    [card] = world.slack.messages(world.releases)
    assert labels(card) == ["Get build", "What's new", "Downloads", "Mute", "Open in Applivery"]
    assert not card.crawled
    turn = await world.slack.click(card, "get.v1", user=world.bruno)
    answer: FakeMessage = await turn.answer()
    assert "/v1/download/" in answer.text
    assert world.slack.bot_token not in done.out + done.err


async def test_upload_unposted_card_exits_1_and_reports_build(world: Environment, ipa: Path) -> None:
    """The build is uploaded although its card could not be posted."""
    world.applivery.processing = (0.0, 0.0)
    slack = {"SLACK_BOT_TOKEN": world.slack.bot_token, "SLACK_API_URL": world.slack.api_url}
    done = await upload(
        world, ipa, "--app", "courier", "--announce", "general", "--every", "0.1", "--json",
        **service_account(world, **slack),
    )  # fmt: skip
    said = json.loads(done.out)
    assert (done.code, said["ok"], said["build"]["stage"]) == (1, False, Stage.READY)
    assert "The build is ready, but the card wasn't posted in #general" in done.err
    assert "/invite" in done.err


async def test_upload_wrong_slack_token_found_before_sending_file(world: Environment, ipa: Path) -> None:
    slack = {"SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_API_URL": world.slack.api_url}
    done = await upload(world, ipa, "--app", "courier", "--announce", "#releases", **service_account(world, **slack))
    assert done.code == 1
    assert "Slack doesn't accept this bot's token" in done.err
    assert not world.applivery.requests


# ------------------------------------------------------------------ how it looks


async def test_on_a_terminal_there_is_a_bar_and_in_ci_there_are_lines(world: Environment, ipa: Path) -> None:
    settings = service_account(world)
    plain = await upload(world, ipa, "--app", "courier")
    assert "\x1b" not in plain.out + plain.err
    seen = await asyncio.to_thread(_on_a_terminal, ["upload", str(ipa), "--app", "courier"], settings, world.folder)
    assert "━" in seen
    assert re.search(r"100%", seen)
    assert "Uploaded Courier" in seen


def _on_a_terminal(words: list[str], settings: dict[str, str], folder: Path) -> str:
    """What a person sees, in a pseudo-terminal."""
    import subprocess
    import sys

    mine, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", *words], cwd=folder, env=environment(TERM="xterm-256color", **settings),
        stdin=its, stdout=its, stderr=its,
    )  # fmt: skip
    os.close(its)
    seen = b""
    while True:
        try:
            piece = os.read(mine, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(mine)
    assert process.wait(30) == 0, seen.decode()
    return seen.decode()


# ------------------------------------------------------------------ attach


async def test_a_file_is_attached_by_id_version_or_latest(world: Environment, tmp_path: Path) -> None:
    build = world.applivery.build(world.courier, version="2.4.0", number="173")
    notes = tmp_path / "notes.pdf"
    notes.write_bytes(b"%PDF")
    for which, settings in (
        ((build.id, "--app", "courier"), service_account(world)),
        (("2.4.0", "--app", "courier"), service_account(world)),
        (("latest",), app_token(world)),
    ):
        done = await shell(world.folder, "attach", which[0], str(notes), *which[1:], "--json", **settings)
        assert done.code == 0, done.err
        assert json.loads(done.out)["attached"] == "notes.pdf"
    kept = [file["file"]["originalName"] for file in build.wire["files"] if file["type"] == "attachment"]
    assert kept == ["notes.pdf"] * 3


async def test_attaching_to_a_build_that_is_not_processed_ends_with_1(world: Environment, tmp_path: Path) -> None:
    build = world.applivery.build(world.courier, status="pending")
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    file = str(tmp_path / "notes.pdf")
    done = await shell(world.folder, "attach", build.id, file, "--app", "courier", **service_account(world))
    assert done.code == 1
    assert "once Applivery has processed the build" in done.err
