"""Triggers, modals and Home."""

import pytest
from slack_sdk.errors import SlackApiError


def plain(text):
    return {"type": "plain_text", "text": text}


def modal(title="One", *blocks, **more):
    shown = list(blocks) or [{"type": "section", "text": plain(title)}]
    return {"type": "modal", "title": plain(title), "submit": plain("Send"), "blocks": shown, **more}


def question(block_id="why", **element):
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain("Why"),
        "element": {"type": "plain_text_input", "action_id": "a", **element},
    }


GO = {"type": "button", "action_id": "go", "text": plain("Go"), "value": "7"}


async def error_of(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


class Clock:
    now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
async def trigger(bolt, slack, ana, releases):
    """Type a command that does nothing; hand back its turn, with a fresh trigger."""

    @bolt.app.command("/x")
    async def nothing(ack):
        await ack()

    @bolt.app.action("go")
    async def click(ack):
        await ack()

    await bolt.connect()

    async def fresh():
        return await slack.command("/x", "", user=ana, channel=releases)

    return fresh


async def test_a_trigger_opens_one_view(slack, client, ana, trigger):
    turn = await trigger()
    answer = await client.views_open(trigger_id=turn.trigger_id, view=modal())
    assert slack.modal(ana).id == answer["view"]["id"]
    assert await turn.view() is slack.modal(ana)
    assert await error_of(client.views_open(trigger_id=turn.trigger_id, view=modal())) == "trigger_exchanged"


async def test_a_trigger_is_worth_nothing_after_three_seconds(slack, client, trigger):
    slack.workspace.clock = clock = Clock()
    turn = await trigger()
    clock.now += 3.1
    assert await error_of(client.views_open(trigger_id=turn.trigger_id, view=modal())) == "trigger_expired"


async def test_a_made_up_trigger_is_refused(client):
    assert await error_of(client.views_open(trigger_id="1.2.3", view=modal())) == "invalid_trigger_id"


async def test_a_view_that_is_refused_does_not_spend_the_trigger(client, trigger):
    turn = await trigger()
    assert await error_of(client.views_open(trigger_id=turn.trigger_id, view=modal("x" * 25))) == "invalid_arguments"
    assert (await client.views_open(trigger_id=turn.trigger_id, view=modal()))["ok"]


async def test_three_views_may_stand_on_each_other_and_no_more(slack, client, ana, trigger):
    turn = await trigger()
    card = {"type": "actions", "elements": [GO]}
    await client.views_open(trigger_id=turn.trigger_id, view=modal("1", card))
    for title in "23":
        turn = await slack.click(slack.modal(ana), "go", user=ana)
        await client.views_push(trigger_id=turn.trigger_id, view=modal(title, card))
    assert [view.title for view in slack.modals.stack(slack.modal(ana))] == ["1", "2", "3"]
    turn = await slack.click(slack.modal(ana), "go", user=ana)
    assert await error_of(client.views_push(trigger_id=turn.trigger_id, view=modal("4"))) == "push_limit_reached"
    await slack.close(slack.modal(ana), ana)
    assert slack.modal(ana).title == "2"


async def test_an_update_needs_the_newest_hash_when_it_gives_one(slack, client, ana, trigger):
    turn = await trigger()
    opened = (await client.views_open(trigger_id=turn.trigger_id, view=modal()))["view"]
    updated = await client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal("Two"))
    stale = client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal("Three"))
    assert await error_of(stale) == "hash_conflict"
    assert updated["view"]["hash"] != opened["hash"]
    assert slack.modal(ana).title == "Two"
    assert (await turn.view(2)).title == "Two"


async def test_an_update_of_a_closed_view_is_not_found(slack, client, ana, trigger):
    turn = await trigger()
    await client.views_open(trigger_id=turn.trigger_id, view=modal())
    view = slack.modal(ana)
    await slack.close(view, ana)
    assert await error_of(client.views_update(view_id=view.id, view=modal())) == "not_found"
    with pytest.raises(LookupError):
        await slack.submit(view, user=ana)


async def test_an_external_id_is_unique_and_finds_the_view(slack, client, ana, trigger):
    await client.views_open(trigger_id=(await trigger()).trigger_id, view=modal(external_id="e"))
    again = client.views_open(trigger_id=(await trigger()).trigger_id, view=modal(external_id="e"))
    assert await error_of(again) == "duplicate_external_id"
    await client.views_update(external_id="e", view=modal("Two", external_id="e"))
    assert slack.modal(ana).title == "Two"


async def test_slack_view_update_keeps_typed_values(slack, client, bolt, ana, trigger):
    turn = await trigger()
    blocks = [question(), {"type": "actions", "elements": [GO]}]
    await client.views_open(trigger_id=turn.trigger_id, view=modal("1", *blocks))
    view = slack.modal(ana)
    turn = await slack.click(view, "go", user=ana, state={"why": {"a": "because"}})
    assert turn.payload["view"]["state"]["values"]["why"]["a"]["value"] == "because"
    await client.views_update(view_id=view.id, view=modal("2", *blocks))
    turn = await slack.click(view, "go", user=ana)
    assert turn.payload["view"]["state"]["values"]["why"]["a"]["value"] == "because"


@pytest.fixture
async def form(bolt, slack, client, ana, trigger):
    """Open a form whose submission is answered with what the test puts into `answers`."""
    answers = {}

    @bolt.app.view("form")
    async def submitted(ack):
        await ack(**answers)

    @bolt.app.view_closed("form")
    async def closed(ack):
        await ack()

    async def opened(*blocks, **more):
        turn = await trigger()
        view = modal("Form", *(blocks or (question(),)), callback_id="form", **more)
        await client.views_open(trigger_id=turn.trigger_id, view=view)
        return slack.modal(ana), answers

    return opened


async def test_an_empty_answer_closes_the_form(slack, ana, form):
    view, _ = await form()
    turn = await slack.submit(view, {"why": {"a": "x"}}, user=ana)
    assert turn.acked
    assert slack.modal(ana) is None


async def test_an_answer_may_change_push_or_clear_the_form(slack, ana, form):
    view, answers = await form()
    answers.update(response_action="update", view=modal("Changed", question(), callback_id="form"))
    turn = await slack.submit(view, {"why": {"a": "x"}}, user=ana)
    assert (await turn.view()).title == "Changed"
    answers["response_action"] = "push"
    turn = await slack.submit(view, {"why": {"a": "x"}}, user=ana)
    assert len(slack.modals.stack(view)) == 2
    answers.clear()
    answers["response_action"] = "clear"
    await slack.submit(slack.modal(ana), {"why": {"a": "x"}}, user=ana)
    assert slack.modal(ana) is None


async def test_an_answer_slack_would_refuse_is_an_error_of_the_turn(slack, ana, form):
    view, answers = await form()
    answers.update(response_action="errors", errors={"no_such_block": "x"})
    turn = await slack.submit(view, {"why": {"a": "x"}}, user=ana)
    assert turn.error == "invalid_arguments"
    assert slack.modal(ana) is view


async def test_slack_itself_keeps_back_a_form_with_a_hole(slack, ana, form):
    view, _ = await form(question(), question("more", min_length=5))
    with pytest.raises(ValueError, match="why is required"):
        await slack.submit(view, user=ana)
    with pytest.raises(ValueError, match="more is too short"):
        await slack.submit(view, {"why": {"a": "x"}, "more": {"a": "x"}}, user=ana)
    with pytest.raises(KeyError):
        await slack.submit(view, {"nowhere": {"a": "x"}}, user=ana)


async def test_every_kind_of_input_reports_its_choice(slack, ana, form):
    options = [{"text": plain(word), "value": word} for word in ("ios", "android")]
    kinds = {
        "static_select": ({"options": options}, "ios", "selected_option"),
        "multi_static_select": ({"options": options}, ["ios", "android"], "selected_options"),
        "checkboxes": ({"options": options}, ["android"], "selected_options"),
        "radio_buttons": ({"options": options}, "android", "selected_option"),
        "users_select": ({}, ana, "selected_user"),
        "datepicker": ({}, "2026-01-02", "selected_date"),
        "timepicker": ({"initial_time": "09:30"}, None, "selected_time"),
        "number_input": ({"is_decimal_allowed": False}, 4, "value"),
        "external_select": ({}, "courier", "selected_option"),
    }
    blocks = [
        {**question(kind), "element": {"type": kind, "action_id": "a", **extra}}
        for kind, (extra, _, _) in kinds.items()
    ]
    view, _ = await form(*blocks)
    chosen = {kind: {"a": value} for kind, (_, value, _) in kinds.items() if value is not None}
    turn = await slack.submit(view, chosen, user=ana)
    values = turn.payload["view"]["state"]["values"]
    said = {kind: values[kind]["a"][field] for kind, (_, _, field) in kinds.items()}
    assert said["static_select"]["value"] == "ios"
    assert [each["value"] for each in said["multi_static_select"]] == ["ios", "android"]
    assert [each["value"] for each in said["checkboxes"]] == ["android"]
    assert said["users_select"] == ana.id
    assert said["timepicker"] == "09:30"
    assert said["number_input"] == "4"
    assert said["external_select"]["value"] == "courier"


async def test_closing_is_told_only_to_an_app_that_asked(slack, ana, form):
    view, _ = await form()
    assert (await slack.close(view, ana)).payload == {}
    view, _ = await form(notify_on_close=True)
    turn = await slack.close(view, ana)
    assert turn.payload["type"] == "view_closed"
    assert turn.acked


async def test_a_channel_chosen_for_answers_gives_a_response_url(slack, ana, releases, form):
    select = {"type": "conversations_select", "action_id": "a", "response_url_enabled": True}
    view, _ = await form({**question(), "element": select})
    turn = await slack.submit(view, {"why": {"a": releases}}, user=ana)
    assert turn.payload["response_urls"][0]["channel_id"] == releases.id


async def test_home_is_published_and_changed(slack, client, ana):
    home = {"type": "home", "blocks": [{"type": "section", "text": plain("hi")}]}
    first = (await client.views_publish(user_id=ana.id, view=home))["view"]
    again = (await client.views_publish(user_id=ana.id, view=home, hash=first["hash"]))["view"]
    assert first["id"] == again["id"] == slack.home_of(ana).id
    assert await error_of(client.views_publish(user_id=ana.id, view=home, hash=first["hash"])) == "hash_conflict"
    assert await error_of(client.views_publish(user_id=ana.id, view=modal())) == "invalid_arguments"
    assert slack.modal(ana) is None


async def test_slack_home_needs_user_and_enabled_tab_but_no_trigger(slack, client, ana):
    home = {"type": "home", "blocks": [{"type": "section", "text": plain("hi")}]}
    assert await error_of(client.views_publish(user_id="U0NOBODY", view=home)) == "user_not_found"
    assert await error_of(client.api_call("views.publish", json={"view": home})) == "invalid_arguments"
    slack.workspace.home_enabled = False
    assert await error_of(client.views_publish(user_id=ana.id, view=home)) == "not_enabled"
    assert slack.home_of(ana) is None


async def test_home_takes_a_hundred_blocks_of_the_kinds_it_shows(client, ana):
    def home(*blocks, **more):
        return client.views_publish(user_id=ana.id, view={"type": "home", "blocks": list(blocks), **more})

    section = {"type": "section", "text": plain("hi")}
    assert (await home(*[section] * 100))["ok"]
    assert await error_of(home(*[section] * 101)) == "invalid_arguments"
    assert await error_of(home()) == "invalid_arguments"
    assert await error_of(home({"type": "alert", "text": plain("only in modals")})) == "invalid_arguments"
    assert await error_of(home(section, title=plain("only modals have one"))) == "invalid_arguments"
    assert await error_of(home(section, private_metadata="x" * 3001)) == "invalid_arguments"


async def test_slack_home_event_of_other_tab_has_no_view(slack, client, ana, bolt):
    await client.views_publish(user_id=ana.id, view={"type": "home", "blocks": [{"type": "divider"}]})
    turn = await slack.home(ana, "messages")
    assert turn.payload["event"]["tab"] == "messages"
    assert "view" not in turn.payload["event"]
