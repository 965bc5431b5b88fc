"""response_urls, the crawler, and what a person can and cannot reach."""

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.webhook.async_client import AsyncWebhookClient

from sandbox.faults import Fault

GO = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "7"}
CARD = [{"type": "actions", "elements": [GO]}]


@pytest.fixture
async def card(bolt, slack, client, ana, releases):
    """A public card with a button that does nothing but acknowledge."""

    @bolt.app.action("go")
    async def go(ack):
        await ack()

    @bolt.app.command("/x")
    async def nothing(ack):
        await ack()

    await bolt.connect()
    await client.chat_postMessage(channel=releases.id, text="card", blocks=CARD)
    return slack.messages(releases)[0]


async def test_an_address_is_good_for_five_uses(slack, ana, releases, card):
    turn = await slack.command("/x", "", user=ana, channel=releases)
    url = AsyncWebhookClient(turn.response_url)
    statuses = [await url.send(text=str(number)) for number in range(6)]
    assert [each.status_code for each in statuses] == [200] * 5 + [404]
    assert "used_url" in statuses[5].body
    assert len(turn.answers) == 5


async def test_an_address_lives_for_half_an_hour(slack, ana, releases, card):
    turn = await slack.command("/x", "", user=ana, channel=releases)
    now = slack.workspace.clock()
    slack.workspace.clock = lambda: now + 1801
    answer = await AsyncWebhookClient(turn.response_url).send(text="late")
    assert answer.status_code == 404
    assert "expired_url" in answer.body


async def test_slack_unknown_response_url_returns_404(slack):
    assert (await AsyncWebhookClient(f"{slack.url}/response/actions/T/x").send(text="x")).status_code == 404


async def test_a_refused_answer_costs_no_use_and_says_why(slack, ana, releases, card):
    turn = await slack.command("/x", "", user=ana, channel=releases)
    url = AsyncWebhookClient(turn.response_url)
    refused = await url.send(blocks=[{"type": "marquee"}])
    assert refused.status_code == 400
    assert "unsupported type: marquee" in refused.body
    assert (await url.send(text="")).status_code == 400
    assert [(await url.send(text=str(number))).status_code for number in range(5)] == [200] * 5


async def test_slack_answer_to_click_replaces_card_by_default(slack, ana, card):
    turn = await slack.click(card, "go", user=ana)
    await AsyncWebhookClient(turn.response_url).send(text="careless")
    assert card.text == "careless"
    assert card.blocks == []
    assert card.history[0].text == "card"
    assert not card.ephemeral


async def test_slack_private_click_answer_replaced_by_next_click(slack, ana, card):
    turn = await slack.click(card, "go", user=ana)
    url = AsyncWebhookClient(turn.response_url)
    await url.send(text="link", blocks=CARD, replace_original=False, response_type="ephemeral")
    private = await turn.answer()
    assert card.text == "card"
    assert private.ephemeral_to == ana.id
    again = await slack.click(private, "go", user=ana)
    assert "message" not in again.payload
    assert again.payload["container"]["is_ephemeral"]
    await AsyncWebhookClient(again.response_url).send(text="expired", replace_original=True)
    assert private.text == "expired"
    assert await again.answer() is private
    third = await slack.click(card, "go", user=ana)
    await AsyncWebhookClient(third.response_url).send(delete_original=True)
    assert card.deleted


async def test_a_commands_own_answer_cannot_be_replaced(slack, ana, releases, card):
    turn = await slack.command("/x", "", user=ana, channel=releases)
    url = AsyncWebhookClient(turn.response_url)
    await url.send(text="one")
    await url.send(text="two", replace_original=True)
    assert [each.text for each in slack.ephemerals(ana)] == ["one", "two"]


async def test_an_answer_in_channel_needs_no_membership(slack, ana, card):
    outside = slack.channel("outside", bot_is_member=False, members=[ana])
    turn = await slack.command("/x", "", user=ana, channel=outside)
    await AsyncWebhookClient(turn.response_url).send(text="all", response_type="in_channel")
    assert [each.text for each in slack.messages(outside)] == ["all"]


async def test_an_answer_meets_the_faults_that_wait_for_it(slack, ana, releases, card):
    slack.faults.add("response_url", Fault(status=500))
    turn = await slack.command("/x", "", user=ana, channel=releases)
    url = AsyncWebhookClient(turn.response_url)
    assert (await url.send(text="x")).status_code == 500
    assert (await url.send(text="x")).status_code == 200


async def test_slack_invisible_message_cannot_be_clicked(slack, ana, card):
    ben = slack.user("ben")
    turn = await slack.click(card, "go", user=ana)
    await AsyncWebhookClient(turn.response_url).send(text="p", blocks=CARD, replace_original=False)
    private = await turn.answer()
    with pytest.raises(LookupError):
        await slack.click(private, "go", user=ben)
    with pytest.raises(LookupError, match="go"):
        await slack.click(card, "stop", user=ana)
    await AsyncWebhookClient((await slack.click(private, "go", user=ana)).response_url).send(delete_original=True)
    with pytest.raises(LookupError):
        await slack.click(private, "go", user=ana)


async def test_a_short_query_is_not_asked(slack, client, ana, releases, card):
    menu = {"type": "external_select", "action_id": "m"}
    await client.chat_postMessage(channel=releases.id, text="m", blocks=[{"type": "actions", "elements": [menu]}])
    assert await slack.options(slack.messages(releases)[1], "m", "ab", user=ana) == []
    with pytest.raises(TimeoutError):
        await slack.options(slack.messages(releases)[1], "m", "abc", user=ana)


# ------------------------------------------------------------------ the crawler


@pytest.fixture
async def site():
    """A site that counts its visits; /in leads to /out."""
    visits = []

    async def visit(request):
        visits.append(request.path)
        if request.path == "/in":
            raise web.HTTPFound("/out")
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/{any}", visit)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", visits
    await runner.cleanup()


def everywhere(url):
    link = {"type": "link", "url": f"{url}/rich"}
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"<{url}/marked|here>"}},
        {"type": "section", "text": {"type": "plain_text", "text": f"see {url}/plain."}},
        {"type": "actions", "elements": [{**GO, "url": f"{url}/button"}]},
        {"type": "image", "image_url": f"{url}/image", "alt_text": "i"},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [link]}]},
    ]


async def test_every_link_of_a_message_is_fetched(slack, client, releases, site):
    url, visits = site
    await client.chat_postMessage(channel=releases.id, text=f"go to {url}/text", blocks=everywhere(url))
    await slack.settled()
    assert sorted(visits) == ["/button", "/image", "/marked", "/plain", "/rich", "/text"]
    assert sorted(slack.crawled) == [f"{url}{path}" for path in sorted(visits)]


@pytest.mark.parametrize("flags", [{"unfurl_links": False}, {"unfurl_media": False}, {}])
async def test_one_flag_alone_stops_nothing(slack, client, releases, site, flags):
    url, visits = site
    await client.chat_postMessage(channel=releases.id, text=f"{url}/text", **flags)
    await slack.settled()
    assert visits == ["/text"]


async def test_both_flags_stop_the_crawler(slack, client, releases, site):
    url, visits = site
    off = {"unfurl_links": False, "unfurl_media": False}
    posted = await client.chat_postMessage(channel=releases.id, text=f"{url}/text", blocks=everywhere(url), **off)
    await client.chat_update(channel=releases.id, ts=posted["ts"], text=f"{url}/text", **off)
    await slack.settled()
    assert visits == []


async def test_private_answers_and_edits_and_people_are_crawled_too(slack, client, ana, releases, card, site):
    url, visits = site
    await client.chat_postEphemeral(channel=releases.id, user=ana.id, text=f"{url}/ephemeral")
    turn = await slack.command("/x", "", user=ana, channel=releases)
    await AsyncWebhookClient(turn.response_url).send(text=f"{url}/respond")
    await client.chat_update(channel=releases.id, ts=card.ts, text=f"{url}/edit")
    slack.say(f"<{url}/said>", ana, releases)
    await slack.settled()
    assert sorted(visits) == ["/edit", "/ephemeral", "/respond", "/said"]


async def test_slack_redirects_followed_and_other_hosts_only_recorded(slack, client, releases, site):
    url, visits = site
    await client.chat_postMessage(channel=releases.id, text=f"{url}/in and https://dashboard.applivery.test/x")
    await slack.settled()
    assert visits == ["/in", "/out"]
    assert "https://dashboard.applivery.test/x" in slack.crawled


async def test_a_file_needs_a_token(slack, ana, releases):
    message = slack.share("app.ipa", b"bytes", ana, releases)
    url = message.files[0]["url_private_download"]
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            assert b"log in" in await response.read()
        async with session.get(url, headers={"Authorization": f"Bearer {slack.bot_token}"}) as response:
            assert await response.read() == b"bytes"


async def test_waiting_for_what_never_happens_ends_in_time(slack):
    with pytest.raises(TimeoutError):
        await slack.until(lambda: False, timeout=0.01)


async def test_slack_address_lookalike_does_not_start_crawler(slack, ana, releases):
    slack.say("see http://[::1 and https://fine.test/x", ana, releases)
    await slack.settled()
    assert slack.crawled == ["http://[::1", "https://fine.test/x"]
    assert not slack.crawler._tasks
