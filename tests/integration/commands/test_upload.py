"""`upload`: out of a message or picked in a form; every field, the second question, the message that is edited."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from bot.applivery.upload import UploadTimeouts
from bot.db import audit
from bot.domain.audit import AuditAction, AuditOutcome
from sandbox.faults import Fault
from sandbox.slack import FakeMessage, FakeView
from tests.conftest import Environment, texts
from tests.support.handing import direct, directs, rested, seen
from tests.support.seeing import labels
from tests.support.waiting import busyness

IPA = b"PK\x03\x04" + bytes(range(256)) * 2000
POSTING = "POST *builds"


@pytest.fixture(autouse=True)
def quick(world: Environment) -> None:
    endurance = UploadTimeouts(wait=0.05, stall=5.0, answer=5.0, looks=(0.0, 0.01))
    world.tuning = replace(world.tuning, progress_seconds=0.05, endurance=endurance)


async def carried(world: Environment) -> None:
    """Wait until everything under way has ended, one way or the other."""
    await rested(world)
    await world.bot.upload_runner.drain(15)


def posted(
    world: Environment, name: str = "courier.ipa", content: bytes = IPA, text: str = "", **about: Any
) -> FakeMessage:
    return world.slack.share(name, content, world.bruno, world.releases, text, **about)


async def opened(world: Environment, message: FakeMessage, shortcut: str = "upload_build") -> FakeView:
    """The form that a shortcut on this message opens for Ana."""
    turn = await world.slack.shortcut(shortcut, user=world.ana, message=message)
    return await turn.view()


def filled(world: Environment, **more: Any) -> dict[str, dict[str, Any]]:
    """The state of the form: the app, and what else is given."""
    values = {"app": world.courier.id, **more}
    return {f"upload.{name}": {f"upload.{name}": value} for name, value in values.items()}


async def sent(world: Environment, form: FakeView, **more: Any) -> Any:
    return await world.slack.submit(form, filled(world, **more), user=world.ana)


async def done(world: Environment, **more: Any) -> FakeMessage:
    """Upload what somebody posted; the one message about it."""
    await sent(world, await opened(world, posted(world)), **more)
    await carried(world)
    return directs(world, world.ana)[0]


# ------------------------------------------------------------------ the ways in


async def test_upload_by_message_shortcut_takes_text_as_changelog(world: Environment) -> None:
    await world.start()
    text = f"Faster &amp; smaller, see <https://acme.test/1|the ticket> for <@{world.ana.id}|ana>"
    form = await opened(world, posted(world, text=text))
    assert form.element("upload.changelog")["initial_value"] == (
        "Faster & smaller, see the ticket (https://acme.test/1) for @ana"
    )
    assert "courier.ipa" in str(form.blocks[0])
    await sent(world, form, version="2.4.0", tags="staging, rc ,rc")
    assert "Uploading courier.ipa (512.0 kB) to Courier" in await _said(world)
    await carried(world)
    [build] = world.applivery.builds
    assert build.form == {
        "versionName": "2.4.0",
        "tags": "staging,rc",
        "changelog": "Faster & smaller, see the ticket (https://acme.test/1) for @ana",
        "notifyCollaborators": "false",
        "notifyEmployees": "false",
        "deployer.name": "ana (Slack)",
    }
    package = build.file("package")
    assert package is not None
    assert (package.name, package.kept) == ("courier.ipa", IPA)


async def _said(world: Environment) -> str:
    await rested(world)
    return world.slack.ephemerals(world.ana)[-1].text


async def test_upload_asks_for_the_file_in_a_form(world: Environment) -> None:
    await world.start()
    turn = await world.slack.command("/applivery", "upload courier", user=world.ana, channel=world.releases)
    form = await turn.view()
    assert form.element("upload.app")["initial_option"]["value"] == world.courier.id
    file = world.slack.pick("courier.apk", IPA, world.ana)
    await sent(world, form, file=[file])
    await carried(world)
    package = world.applivery.builds[0].file("package")
    assert package is not None
    assert (package.name, package.kept) == ("courier.apk", IPA)


async def test_upload_several_files_offers_builds_only_and_takes_one(world: Environment) -> None:
    await world.start()
    message = posted(world)
    for name in ("notes.txt", "courier.apk"):
        other = world.slack.desk.files.add(name, IPA, world.bruno.id)
        other.channels = [world.releases.id]
        message.files.append(world.slack.desk.files.wire(other))
    form = await opened(world, message)
    offered = [option["text"]["text"] for option in form.element("upload.file")["options"]]
    assert offered == ["courier.ipa (512.0 kB)", "courier.apk (512.0 kB)"]
    await sent(world, form, file=other.id)
    await carried(world)
    assert world.applivery.builds[0].file("package").name == "courier.apk"  # type: ignore[union-attr]


async def test_upload_offers_only_apps_the_user_may_upload_to(world: Environment) -> None:
    driver = world.applivery.app("Driver", slug="driver")
    await world.start()
    await world.ask(f"grant <@{world.bruno.id}|bruno> releaser app:driver")
    turn = await world.slack.shortcut("upload_build", user=world.bruno, message=posted(world))
    form = await turn.view()
    found = await world.slack.options(form, "upload.app", "", user=world.bruno)
    assert [entry["value"] for entry in found] == [driver.id]
    await world.slack.submit(form, filled(world), user=world.bruno)
    await carried(world)
    assert "For Courier, only releasers can upload builds" in world.slack.ephemerals(world.bruno)[-1].text
    assert not world.applivery.builds


async def test_a_member_may_not_upload(world: Environment) -> None:
    await world.start()
    for turn in (
        await world.slack.shortcut("upload_build", user=world.bruno, message=posted(world)),
        await world.slack.command("/applivery", "upload", user=world.bruno, channel=world.releases),
    ):
        assert "nly releasers can" in (await turn.answer()).text
    assert not world.slack.views


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.txt", b"notes", "Applivery can't use “notes.txt” as a build. Supported files: .ipa"),
        ("courier.ipa", b"", "“courier.ipa” is empty"),
    ],
)
async def test_a_message_without_a_build_opens_no_form_and_says_why(
    world: Environment, name: str, content: bytes, words: str
) -> None:
    await world.start()
    turn = await world.slack.shortcut("upload_build", user=world.ana, message=posted(world, name, content))
    assert words in (await turn.answer()).text
    hello = world.slack.say("hello", world.ana, world.releases)
    turn = await world.slack.shortcut("upload_build", user=world.ana, message=hello)
    assert "That message has no file." in (await turn.answer()).text
    assert not world.slack.views


# ------------------------------------------------------------------ mail


async def test_upload_mail_needs_second_form_with_number_of_people(world: Environment) -> None:
    for number in range(120):  # more than a page
        world.applivery.employee(world.courier, f"e{number}@acme.test")
    driver = world.applivery.app("Driver")
    world.applivery.employee(driver, "driver@acme.test")
    for email in ("a@acme.test", "b@acme.test"):
        world.applivery.collaborator(email)
    world.applivery.collaborator("bot@acme.test", role="serviceAccount")
    world.applivery.collaborator("a@acme.test", app=world.courier)  # counted once
    world.applivery.collaborator("c@acme.test", app=world.courier)
    world.applivery.collaborator("d@acme.test", app=driver)
    await world.start()
    turn = await sent(
        world, await opened(world, posted(world)), changelog="Faster", version="2.4.0", tags="rc",
        mail=["collaborators", "employees"],
    )  # fmt: skip
    sure = await turn.view()
    assert sure.title == "Email 123 people?"
    assert (
        "will email *123 people*: 3 collaborators and 120 employees with store access" in sure.blocks[0]["text"]["text"]
    )
    assert sure.payload["submit"]["text"] == "Upload and email"
    await rested(world)
    assert not world.applivery.builds
    said = {"sure.message": {"sure.message": "For QA"}, "sure.language": {"sure.language": "es"}}
    await world.slack.submit(sure, said, user=world.ana)
    await carried(world)
    form = world.applivery.builds[0].form
    assert form == {
        "versionName": "2.4.0", "tags": "rc", "changelog": "Faster", "deployer.name": "ana (Slack)",
        "notifyCollaborators": "true", "notifyEmployees": "true", "notifyMessage": "For QA", "notifyLanguage": "es",
    }  # fmt: skip
    assert "Applivery will email the people you chose" in directs(world, world.ana)[0].text
    assert "acme.test" not in str([view.payload for view in world.slack.modals.views.values()])


async def test_cancelling_the_second_form_uploads_nothing(world: Environment) -> None:
    await world.start()
    turn = await sent(world, await opened(world, posted(world)), mail=["employees"])
    sure = await turn.view()
    assert sure.title == "Email 0 people?"
    await world.slack.close(sure, world.ana)
    await carried(world)
    assert not world.applivery.builds
    assert not directs(world, world.ana)


@pytest.mark.parametrize("why", ["forbidden", "slow"])
async def test_people_who_cannot_be_counted_are_still_asked_about(world: Environment, why: str) -> None:
    world.applivery.may_list_people = why != "forbidden"
    if why == "slow":
        world.applivery.faults.add("GET */employees/", Fault(latency=20))
    await world.start()
    turn = await sent(world, await opened(world, posted(world)), mail=["employees"])
    sure = await turn.view()
    assert sure.title == "Email people?"
    assert (
        "will email every employee with store access.\nThe exact number isn't available"
        in sure.blocks[0]["text"]["text"]
    )


async def test_a_long_changelog_comes_through_the_second_form_whole(world: Environment) -> None:
    await world.start()
    long = "“é\\\n" * 700
    turn = await sent(world, await opened(world, posted(world)), changelog=long, mail=["collaborators"])
    await world.slack.submit(await turn.view(), {}, user=world.ana)
    await carried(world)
    assert world.applivery.builds[0].form["changelog"] == long


# ------------------------------------------------------------------ how it is told


async def test_upload_progress_edits_one_private_message(world: Environment) -> None:
    """It shows bytes, rate and time left."""
    content = b"PK\x03\x04" + bytes(12_000_000)
    world.applivery.faults.add("GET *builds", Fault(latency=0.3))  # time to be seen waiting
    await world.start()
    await sent(world, await opened(world, posted(world, content=content)))
    await carried(world)
    [message] = directs(world, world.ana)
    assert message.edited
    versions = [*texts(message.history), message.text]
    assert "Uploading courier.ipa to Courier" in versions[0]
    told = [version for version in versions if re.search(r"\d+%, \d.* of 12\.0 MB", version)]
    assert told, versions
    assert "✅ Uploaded Courier" in versions[-1]
    assert f"by <@{world.ana.id}>" in versions[-1]
    assert labels(message) == ["Watch", "Check now", "Open in Applivery"]
    assert not world.slack.messages(world.releases)[1:]
    assert not message.crawled


async def test_the_watch_takes_over_and_every_card_names_the_uploader(world: Environment) -> None:
    """Applivery knows the bot's account only; the person is named all the same."""
    await world.start()
    await world.ask("subscribe courier")
    await done(world)
    [build] = world.applivery.builds
    await world.look()
    world.applivery.move(build, "processed")
    await world.look()
    told = await direct(world, world.ana, 2)
    assert told.text.startswith("✅ Courier")
    card = world.slack.messages(world.releases)[-1]
    assert "is ready" in card.text
    assert " · ana · " in seen(card)
    assert "Robot" not in seen(card)


async def test_upload_watch_takes_over_and_failure_has_reason(world: Environment) -> None:
    await world.start()
    await done(world)
    world.applivery.fail(world.applivery.builds[0], "The signature is broken", "1008")
    await world.look()
    told = await direct(world, world.ana, 2)
    assert "failed" in told.text
    assert "The signature is broken" in seen(told)


async def test_a_build_that_is_ready_at_once_is_told_of_at_once(world: Environment) -> None:
    world.applivery.processing = (0.0, 0.0)
    await world.start()
    message = await done(world)
    assert "✅ ready" in message.text or "✅ Uploaded" in message.text
    await world.look()
    everything = " ".join(texts(directs(world, world.ana)))
    assert everything.count("✅ ready") + everything.count(" is ready. ") == 1


async def test_a_lost_answer_is_looked_for_and_what_was_found_is_said(world: Environment) -> None:
    endurance = structs.replace(world.tuning.endurance, looks=(0.4,))  # time to be seen looking
    world.tuning = replace(world.tuning, endurance=endurance)
    world.applivery.faults.add(POSTING, Fault(drop_after=True))
    await world.start()
    message = await done(world)
    assert any("Checking whether Applivery has the file" in text for text in texts(message.history))
    assert "The connection dropped, but Applivery has the build." in message.text
    assert len(world.applivery.builds) == 1


# ------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            Fault(status=400, code=5024, error="Slug already used"),
            "This build's name is already used",
        ),
        (Fault(status=401, code=3002, error="Token Expired"), "The Applivery token has expired (code 3002)"),
        (
            Fault(status=404, code=3001, error="Entity not found"),
            "This token can't see that app",
        ),
        (Fault(status=401, code=4002, error="No auth token"), "Applivery couldn't read the token (code 4002)"),
        (Fault(status=401, code=4004, error="Invalid Token"), "Applivery doesn't know the token (code 4004)"),
        (Fault(status=403, code=5003, error="Limit Exceeded"), "its plan's limit (code 5003)"),
        (Fault(status=403, code=5004, error="No"), "doesn't include this way of uploading (code 5004)"),
        (Fault(status=400, code=5006, error="wrong path"), "couldn't use the file (code 5006)"),
        (Fault(status=413, body="no"), "too large for Applivery"),
        (Fault(drop_at=0.99), "The connection to Applivery broke"),
    ],
)
async def test_each_refusal_is_in_words_and_never_called_done(world: Environment, fault: Fault, words: str) -> None:
    world.applivery.faults.add(POSTING, fault)
    await world.start()
    message = await done(world)
    assert "Couldn't upload courier.ipa to Courier" in message.text
    assert words in message.text
    assert "✅" not in message.text
    assert labels(message) == ["Back to the form"]
    assert not world.applivery.builds


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=404), "was deleted in Slack"),
        (Fault(drop_at=0.6), "The connection to Slack was lost"),
        (Fault(status=302), "Slack didn't let me read"),
        (Fault(status=200, body="<!DOCTYPE html>"), "doesn't have the size that Slack reported"),
    ],
)
async def test_a_file_slack_does_not_give_whole_makes_no_build(world: Environment, fault: Fault, words: str) -> None:
    world.slack.faults.add("file", fault)
    await world.start()
    message = await done(world)
    assert words in message.text
    assert "Nothing was uploaded" in message.text
    assert not world.applivery.builds


async def test_a_file_that_was_deleted_before_the_form_was_sent(world: Environment) -> None:
    await world.start()
    message = posted(world)
    form = await opened(world, message)
    del world.slack.desk.files.files[message.files[0]["id"]]
    turn = await sent(world, form)
    assert "Slack no longer has that file" in str(turn.errors)
    assert not form.closed
    assert not world.applivery.requests or not world.applivery.builds


async def test_a_file_in_a_channel_the_bot_is_not_in(world: Environment) -> None:
    await world.start()
    message = world.slack.share("courier.ipa", IPA, world.ana, world.general)
    turn = await sent(world, await opened(world, message))
    assert "I'm not in the conversation it was posted in" in str(turn.errors)


async def test_a_file_that_is_not_what_its_name_says_is_not_sent(world: Environment) -> None:
    await world.start()
    message = posted(world, content=b"<html><body>404</body></html>")
    await sent(world, await opened(world, message))
    await carried(world)
    assert "contains text, not a build" in directs(world, world.ana)[0].text
    assert not world.applivery.builds


async def test_upload_double_submit_once_and_again_after_failure(world: Environment) -> None:
    """A double submit uploads once; after a failure the same file can be uploaded again."""
    world.applivery.faults.add(POSTING, Fault(status=400, code=5024, error="no"))
    await world.start()
    message = posted(world)
    await sent(world, await opened(world, message))
    await carried(world)
    assert not world.applivery.builds
    await sent(world, await opened(world, message))
    await sent(world, await opened(world, message))
    await carried(world)
    assert len(world.applivery.builds) == 1
    assert "already" in await _said(world)


async def test_stopping_the_bot_says_that_the_upload_was_not_done(world: Environment) -> None:
    world.applivery.faults.add(POSTING, Fault(latency=30))
    await world.start()
    await sent(world, await opened(world, posted(world)))
    await world.slack.until(lambda: directs(world, world.ana))
    await world.applivery.until(lambda: any(request.method == "POST" for request in world.applivery.requests))
    started = asyncio.get_running_loop().time()
    await world.stop()
    assert asyncio.get_running_loop().time() - started < 9 * busyness()
    [message] = directs(world, world.ana)
    assert "The bot restarted before the upload finished. Nothing was uploaded." in message.text
    assert not world.applivery.builds


async def test_uploads_are_in_the_audit_trail_with_how_they_ended(world: Environment) -> None:
    await world.start()
    await done(world)
    world.applivery.faults.add(POSTING, Fault(status=400, code=5006, error="no"))
    await sent(world, await opened(world, posted(world, "other.apk")))
    await carried(world)
    rows = [
        entry for entry in await world.bot.store.run(audit.list_entries, limit=10) if entry.action == AuditAction.UPLOAD
    ]
    assert {(entry.user_id, entry.outcome, entry.app_id, entry.build_id) for entry in rows} == {
        (world.ana.id, AuditOutcome.UPLOADED, world.courier.id, world.applivery.builds[0].id),
        (world.ana.id, "UploadRejected", world.courier.id, None),
    }


async def test_upload_progress_message_gone_end_told_in_new_one(world: Environment) -> None:
    world.slack.faults.add("chat.update", Fault(error="message_not_found"), times=None)
    await world.start()
    await done(world)
    assert any("✅ Uploaded" in text for text in texts(directs(world, world.ana)))
