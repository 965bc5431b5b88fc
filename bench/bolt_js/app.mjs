// The app of bench/bare.py with bolt-js; its settings are the bot's own.
import bolt from "@slack/bolt";

const { APPLIVERY_API_URL, APPLIVERY_TOKEN, PORT, SLACK_API_URL, SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET } = process.env;
const APPS = `${APPLIVERY_API_URL}/v1/organizations/acme/apps`;
const headers = { Authorization: `Bearer ${APPLIVERY_TOKEN}` };

async function data(url) {
  const answer = await fetch(url, { headers });
  return (await answer.json()).data;
}

const app = new bolt.App({
  token: SLACK_BOT_TOKEN,
  signingSecret: SLACK_SIGNING_SECRET,
  endpoints: "/slack/events",
  clientOptions: { slackApiUrl: SLACK_API_URL },
  logLevel: "error",
  customRoutes: [{ path: "/healthz", method: ["GET"], handler: (_, answer) => answer.end("alive\n") }],
});

app.command("/applivery", async ({ ack, command, respond }) => {
  await ack();
  if (command.text !== "builds courier") return;
  const [found] = (await data(APPS)).items.filter((item) => item.slug === "courier");
  const builds = (await data(`${APPS}/${found.id}/builds`)).items.slice(0, 10);
  const lines = builds.map((build) => `${build.versionName} (#${build.versionCode}) ${build.status}`);
  await respond({ text: `Builds of Courier: ${lines.join("\n")}`, response_type: "ephemeral" });
});

app.action("get.v1", async ({ ack, action, respond }) => {
  await ack();
  const [appId, buildId] = action.value.split("/");
  const build = `${APPS}/${appId}/builds/${buildId}`;
  const { versionName } = await data(build);
  const { token } = await data(`${build}/downloadToken?type=file`);
  const text = `${versionName}: ${APPLIVERY_API_URL}/v1/download/${token} — only for you`;
  await respond({ text, response_type: "ephemeral", replace_original: false });
});

await app.start({ port: Number(PORT), host: "127.0.0.1" });
