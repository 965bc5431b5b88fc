// The message pane and the thread pane: rows, day lines, replies, the little toolbar.
import { blocks, fileCard } from "./blocks.js";
import { h, menu, post, sync, toast } from "./dom.js";
import { emoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";
import { ago, clock, dayName, fromTs, full } from "./when.js";

const GROUP_SECONDS = 300;

/** A letter on a colour for people, the product's mark for the bot. */
export function avatar(user, small = false) {
  if (user.bot) return h("span", { class: small ? "avatar bot small" : "avatar bot", "aria-hidden": "true" });
  const letters = user.name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
  return h("span", { class: `avatar tint${user.tint} ${small ? "small" : ""}`, "aria-hidden": "true", text: letters });
}

export const whoIs = (world, id) => world.users.find((user) => user.id === id) || { id, name: "Somebody", tint: 0 };

export function replies(list, ts) {
  return list.filter((message) => message.thread_ts === ts && message.ts !== ts);
}

/** What a channel shows: everything that is not only in a thread. */
export const topLevel = (list) => list.filter((message) => !message.thread_ts || message.thread_ts === message.ts || message.broadcast);

/** Tell the bot about a click and say so when that fails. */
export async function act(app, where, block, item, value, state, node) {
  const target = node.matches("button") ? node : null;
  target?.classList.add("busy");
  const answer = await post("/api/click", { person: app.ui.person, where, block_id: block.block_id, action_id: item.action_id, value, state });
  target?.classList.remove("busy");
  if (answer.error) toast(`That did not reach Applivery: ${answer.error}`);
}

function contextOf(app, message) {
  const where = { channel: message.channel, ts: message.ts };
  const state = (app.ui.states[`${app.ui.person}/${message.ts}`] ||= {});
  return {
    surface: "message", where, person: app.ui.person, state, world: app.world, channel: message.channel,
    act: (block, item, value, node) => act(app, where, block, item, value, state, node),
  };
}

function attachment(item, ctx) {
  return h("div", { class: "attachment" },
    item.pretext ? mrkdwn(item.pretext) : null,
    item.title ? h("b", null, mrkdwn(item.title)) : null,
    item.blocks ? blocks(item.blocks, ctx) : mrkdwn(item.text || item.fallback || ""),
    item.entity ? details(item, ctx) : null);
}

/** Slack opens a Work Object beside the conversation when it is clicked anywhere; here a button does. */
function details(item, ctx) {
  const open = async () => {
    const answer = await post("/api/details", { person: ctx.person, ...ctx.where, url: item.app_unfurl_url });
    if (answer.error) toast(`The details could not be opened: ${answer.error}`);
  };
  return h("button", { type: "button", class: "button", testid: "details", "data-focus": `details ${item.id}`, on: { click: open } }, "Open details");
}

function body(app, message) {
  const ctx = contextOf(app, message);
  const content = h("div", { class: "content" });
  if (message.blocks.length) content.append(blocks(message.blocks, ctx));
  else if (message.text) content.append(h("div", { class: "text" }, mrkdwn(message.text)));
  if (message.edited) content.append(h("span", { class: "edited", testid: "edited", text: "(edited)" }));
  for (const item of message.attachments) content.append(attachment(item, ctx));
  for (const file of message.files) content.append(fileCard(file));
  if (message.reactions.length) {
    content.append(h("div", { class: "reactions" }, message.reactions.map((one) =>
      h("span", null, emoji(one.name) || `:${one.name}:`, " ", String(one.count ?? one.users?.length ?? 1)))));
  }
  return content;
}

function shortcuts(app, message, anchor) {
  const offered = app.world.shortcuts.filter((one) => one.type === "message");
  const run = async (one) => {
    const answer = await post("/api/shortcut", { person: app.ui.person, callback_id: one.callback_id, channel: message.channel, ts: message.ts });
    if (answer.error) toast(`${one.name} failed: ${answer.error}`);
  };
  const items = offered.map((one) => ({ label: one.name, detail: app.world.bot.name, run: () => run(one) }));
  items.unshift({ label: "Copy text", run: () => navigator.clipboard?.writeText(message.text || "") });
  menu(anchor, items, { label: "Message actions" });
}

function toolbar(app, message, inThread) {
  const tool = (label, sign, testid, run) => h("button", { type: "button", "aria-label": label, title: label, testid, "data-focus": testid, on: { click: run } }, h("span", { class: `icon ${sign}`, "aria-hidden": "true" }));
  if (message.ephemeral) return null;
  return h("div", { class: "toolbar", role: "toolbar", "aria-label": "Message tools" },
    inThread ? null : tool("Reply in thread", "reply", "reply", () => app.openThread(message.thread_ts || message.ts)),
    tool("More message actions", "more", "more", (event) => shortcuts(app, message, event.currentTarget)));
}

function threadLink(app, message) {
  if (!message.replies) return null;
  const { count, said, users } = message.replies;
  return h("button", { type: "button", class: "thread-link", testid: "replies", "data-focus": "replies", on: { click: () => app.openThread(message.ts) } },
    users.map((id) => avatar(whoIs(app.world, id), true)),
    h("b", { text: count === 1 ? "1 reply" : `${count} replies` }),
    h("span", { text: `Last reply ${said}` }));
}

function row(app, message, inThread) {
  const author = whoIs(app.world, message.user);
  const at = fromTs(message.ts);
  const stamp = h("time", { datetime: at.toISOString(), title: full(at), text: clock(at) });
  const head = message.compact
    ? null
    : h("div", { class: "head" }, h("b", { class: "author", text: author.name }), author.bot ? h("span", { class: "app-badge", text: "APP" }) : null,
        author.guest ? h("span", { class: "app-badge", text: "GUEST" }) : null, stamp);
  return h(
    "article",
    {
      class: ["message", message.compact ? "compact" : "", message.ephemeral ? "ephemeral" : "", message.fresh ? "fresh" : ""].join(" ").trim(),
      testid: message.ephemeral ? "ephemeral" : "message", "data-ts": message.ts, tabindex: "-1",
      "aria-label": `${author.name}, ${clock(at)}${message.ephemeral ? ", only visible to you" : ""}`,
    },
    h("div", { class: "gutter" }, message.compact ? stamp : avatar(author)),
    h("div", { class: "main" },
      message.ephemeral ? h("div", { class: "private" }, h("span", { class: "icon eye", "aria-hidden": "true" }), "Only visible to you") : null,
      head, body(app, message), inThread ? null : threadLink(app, message)),
    toolbar(app, message, inThread),
  );
}

/** Messages → rows with day lines; consecutive ones of one author shrink, as in Slack. */
function rows(list, all, inThread) {
  const out = [];
  let before = null;
  for (const message of list) {
    const day = dayName(fromTs(message.ts));
    if (!inThread && (!before || dayName(fromTs(before.ts)) !== day)) out.push({ day });
    const compact = Boolean(before) && before.user === message.user && Boolean(before.ephemeral) === Boolean(message.ephemeral)
      && message.ts - before.ts < GROUP_SECONDS && out.at(-1).day === undefined && !before.replies;
    const under = inThread ? [] : replies(all, message.ts);
    const entry = { ...message, compact: compact && !message.ephemeral };
    if (under.length) entry.replies = { count: under.length, said: ago(fromTs(under.at(-1).ts)), users: [...new Set(under.map((one) => one.user))].slice(0, 3) };
    out.push(entry);
    before = entry;
  }
  return out;
}

const keyOf = (item) => (item.day ? `day ${item.day}` : item.wait ? `wait ${item.wait}` : item.count ? "count" : item.ts);

function drawAny(app, inThread) {
  return (item) => {
    if (item.day) return h("div", { class: "day", role: "separator" }, h("span", { text: item.day }));
    if (item.count) return h("div", { class: "reply-count" }, h("span", { text: item.count === 1 ? "1 reply" : `${item.count} replies` }));
    if (item.wait) return waiting(app, item);
    return row(app, item, inThread);
  };
}

function waiting(app, item) {
  return h("article", { class: "message ephemeral waiting", testid: "waiting", "aria-busy": "true" },
    h("div", { class: "gutter" }, avatar(app.world.bot)),
    h("div", { class: "main" }, h("div", { class: "private" }, "Only visible to you"),
      h("div", { class: "content" }, h("code", { text: item.text }), h("span", { class: "dots", "aria-label": "waiting for the answer" }, h("i"), h("i"), h("i")))));
}

/** Keep a pane at its end as long as the reader is there, also when a picture loads or the pane shrinks. */
export function keepAtEnd(pane, list) {
  pane.atEnd = true;
  pane.addEventListener("scroll", () => (pane.atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 80), { passive: true });
  const watch = new ResizeObserver(() => pane.atEnd && (pane.scrollTop = pane.scrollHeight));
  watch.observe(pane);
  watch.observe(list);
}

function stick(pane, draw, jump) {
  const atEnd = pane.atEnd;
  draw();
  if (!jump && !atEnd) return;
  pane.scrollTop = pane.scrollHeight;
  pane.atEnd = true;
}

export function drawMessages(app, pane, list, { jump }) {
  const all = app.messages(app.ui.channel);
  const items = [...rows(topLevel(all), all, false), ...app.ui.waiting.filter((one) => one.channel === app.ui.channel).map((one) => ({ wait: one.id, text: one.text }))];
  stick(pane, () => sync(list, items, keyOf, drawAny(app, false)), jump);
}

export function drawThread(app, pane, list, { jump }) {
  const all = app.messages(app.ui.channel);
  const parent = all.find((message) => message.ts === app.ui.thread);
  const under = replies(all, app.ui.thread);
  const items = [...(parent ? [parent] : []), ...(under.length ? [{ count: under.length }] : []), ...rows(under, all, true)];
  stick(pane, () => sync(list, items, keyOf, drawAny(app, true)), jump);
}
