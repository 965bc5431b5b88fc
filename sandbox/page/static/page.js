// The page: state from the server, who looks at what, and when which part is drawn again.
import { panel } from "./applivery.js";
import { composer } from "./composer.js";
import { h, opener, post, sync, toast } from "./dom.js";
import { avatar, drawMessages, drawThread, keepAtEnd, topLevel } from "./messages.js";
import { names } from "./mrkdwn.js";
import { phonePane } from "./phone.js";
import { drawViews, homeOf } from "./views.js";

const memory = {
  get: (key, otherwise) => {
    try {
      return JSON.parse(localStorage.getItem(`sandbox.${key}`)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set: (key, value) => {
    try {
      localStorage.setItem(`sandbox.${key}`, JSON.stringify(value));
    } catch {
      // a browser that forgets is no reason to stop
    }
  },
};

const wide = window.matchMedia("(min-width: 1100px)");
const $ = (id) => document.getElementById(id);

const app = {
  state: {},
  ui: {
    person: new URLSearchParams(location.search).get("as") || memory.get("person", "ana"),
    channel: null, thread: null, home: false, waiting: [], states: {}, unfolded: new Set(), panel: memory.get("panel", true), jump: true,
  },
  get world() {
    return this.state.workspace;
  },
  messages: (id) => app.state[`messages/${id}`] || [],
  views: () => app.state.views || [],
  apps: () => app.state.apps || [],
  channels: () => app.state.channels || [],
  draw: () => schedule(),
  openThread,
  waitFor(channel, text) {
    const one = { id: `${Date.now()}`, channel, text };
    app.ui.waiting.push(one);
    app.ui.jump = true;
    schedule();
    return () => {
      app.ui.waiting = app.ui.waiting.filter((other) => other !== one);
      schedule();
    };
  },
  tried(what) {
    const done = new Set(memory.get("tried", []));
    const entry = TRY.find((one) => one.fits(what));
    if (!entry) return;
    done.add(entry.id);
    memory.set("tried", [...done]);
    drawWelcome();
  },
};

// ------------------------------------------------------------------ the three things to try

const typed = (verb) => (what) => new RegExp(`^/\\S+ ${verb}\\b`).test(what);
const TRY = [
  { id: "get", fits: typed("get"), title: "Get a private link", command: "get courier" },
  { id: "upload", fits: (what) => what === "upload", title: "Watch a build arrive", press: true },
  { id: "downloads", fits: typed("downloads"), title: "See who downloaded", command: "downloads courier" },
];

function drawWelcome() {
  const box = $("welcome");
  const done = new Set(memory.get("tried", []));
  box.hidden = memory.get("welcomed", false) || app.ui.home;
  if (box.hidden) return;
  const root = app.world.commands[0]?.command || "/applivery";
  const close = () => (memory.set("welcomed", true), drawWelcome());
  const hide = h("button", { type: "button", class: "quiet", "aria-label": "Hide this card", testid: "welcome-close", on: { click: close } }, "×");
  box.classList.toggle("all-done", done.size === TRY.length);
  if (done.size === TRY.length) {
    box.replaceChildren(h("header", null, h("p", null, "That was all three. ", h("code", { text: `${root} help` }), " knows the rest."), hide));
    return;
  }
  const says = (one) => app.world.hints.find((hint) => one.command?.startsWith(hint.verb))?.says.replace(/\.$/, "") || one.title;
  const step = (one, index) =>
    h("li", { class: done.has(one.id) ? "done" : "" },
      h("button", { type: "button", testid: `try-${one.id}`, on: { click: () => start(one, root) } },
        h("span", { class: "step", "aria-hidden": "true", text: done.has(one.id) ? "✓" : String(index + 1) }),
        h("span", null, h("small", { text: says(one) }), one.command ? h("code", { text: `${root} ${one.command}` }) : h("b", { text: "Upload a build" }))));
  box.replaceChildren(
    h("header", null, h("h2", { text: "Three things to try" }), hide),
    h("ol", null, TRY.map(step)));
}

function start(one, root) {
  if (one.command) return channelComposer.fill(`${root} ${one.command}`);
  showPanel(true);
  return applivery.upload();
}

// ------------------------------------------------------------------ where one is

function fromHash() {
  const [name, thread] = decodeURIComponent(location.hash.slice(1)).split("/");
  const channel = app.channels().find((one) => one.name === name) || app.channels()[0];
  const moved = channel?.id !== app.ui.channel;
  Object.assign(app.ui, { channel: channel?.id || null, thread: thread || null });
  if (moved) Object.assign(app.ui, { jump: true, home: false });
  schedule();
}

function go(channel, thread = null) {
  document.body.classList.remove("drawer");
  const hash = `#${encodeURIComponent(channel.name)}${thread ? `/${thread}` : ""}`;
  if (location.hash === hash) fromHash();
  else location.hash = hash;
}

const here = () => app.channels().find((one) => one.id === app.ui.channel);

function openThread(ts) {
  phone.hide();
  app.ui.threadJump = true;
  if (!wide.matches) showPanel(false);
  go(here(), ts);
  threadComposer.field.placeholder = "Reply…";
}

const closePhone = () => phone.hide();
const closeThread = () => go(here());

function showPanel(on) {
  app.ui.panel = on;
  if (wide.matches) memory.set("panel", on);
  if (on) closePhone();
  if (on && app.ui.thread) closeThread();
  schedule();
}

function become(handle) {
  app.ui.person = handle;
  memory.set("person", handle);
  app.ui.jump = true;
  listen();
  document.body.classList.remove("drawer");
}

// ------------------------------------------------------------------ unread

const born = memory.get("born", Date.now() / 1000);
memory.set("born", born);
const readKey = (id) => `read.${app.ui.person}.${id}`;

function unread(channel) {
  const since = memory.get(readKey(channel.id), born);
  return topLevel(app.messages(channel.id)).filter((message) => Number(message.ts) > since && message.user !== app.world.me).length;
}

function markRead() {
  const last = app.messages(app.ui.channel).at(-1);
  if (last && !document.hidden) memory.set(readKey(app.ui.channel), Math.max(Number(last.ts), memory.get(readKey(app.ui.channel), 0)));
}

// ------------------------------------------------------------------ the sidebar

function channelRow(item) {
  const active = item.id === app.ui.channel;
  return h("button", {
    type: "button", class: ["room", item.current ? "current" : "", item.unread ? "unread" : ""].join(" ").trim(), testid: `channel-${item.name}`, "data-focus": item.id,
    "aria-current": active ? "page" : null, "aria-label": `${item.kind === "dm" ? "Direct message with" : "Channel"} ${item.name}${item.unread ? `, ${item.unread} unread` : ""}`,
    on: { click: () => go(item) },
  }, item.kind === "dm" ? avatar(app.world.bot, true) : h("span", { class: item.private ? "hash lock" : "hash", "aria-hidden": "true", text: item.private ? "🔒" : "#" }),
  h("span", { class: "room-name", text: item.kind === "dm" ? app.world.bot.name : item.name }),
  item.kind === "dm" ? h("span", { class: "app-badge", text: "APP" }) : null,
  item.unread ? h("span", { class: item.kind === "dm" ? "badge loud" : "badge", testid: `unread-${item.name}`, text: String(item.unread) }) : null);
}

function personRow(person) {
  return h("button", { type: "button", class: person.current ? "person current" : "person", testid: `person-${person.handle}`, role: "radio", "aria-checked": String(person.current), "data-focus": person.handle, on: { click: () => become(person.handle) } },
    avatar(person), h("span", null, h("b", { text: person.name }), h("small", { text: person.title })));
}

function drawSidebar() {
  const { world } = app;
  $("team").textContent = world.team.name;
  $("online").className = world.bot.online ? "online yes" : "online";
  $("online-words").textContent = world.bot.online ? `${world.bot.name} is connected` : `${world.bot.name} is not connected`;
  const rows = app.channels().map((one) => ({ ...one, unread: one.id === app.ui.channel ? 0 : unread(one), current: one.id === app.ui.channel }));
  sync($("channels"), rows.filter((one) => one.kind === "channel"), (one) => one.id, channelRow);
  sync($("dms"), rows.filter((one) => one.kind === "dm"), (one) => one.id, channelRow);
  sync($("people"), world.people.map((one) => ({ ...one, current: one.handle === app.ui.person })), (one) => one.handle, personRow);
  const total = rows.reduce((sum, one) => sum + one.unread, 0);
  $("drawer-badge").textContent = total ? String(total) : "";
  document.title = `${total ? `(${total}) ` : ""}${here()?.kind === "dm" ? world.bot.name : `#${here()?.name || ""}`} · ${world.team.name}`;
}

// ------------------------------------------------------------------ the middle and the right

function drawHeader() {
  const channel = here();
  const bot = channel.kind === "dm";
  $("room-title").replaceChildren(bot ? avatar(app.world.bot, true) : h("span", { class: "hash", text: channel.private ? "🔒" : "#" }), bot ? app.world.bot.name : channel.name);
  $("room-topic").textContent = bot ? "Direct message: only you two see this" : channel.topic;
  const home = bot && app.world.bot.home;
  $("tabs").hidden = !home;
  $("tab-home").setAttribute("aria-selected", String(app.ui.home));
  $("tab-messages").setAttribute("aria-selected", String(!app.ui.home));
  channelComposer.field.placeholder = bot ? `Message ${app.world.bot.name}` : `Message #${channel.name}`;
  const closed = !app.ui.home && CLOSED[channel.closed];
  channelComposer.hidden = app.ui.home || Boolean(closed);
  drawClosed(channel, closed);
}

// Where real Slack has no message field, this one has none either.
const CLOSED = {
  archived: () => "This channel is archived.",
  read_only: () => "Sending messages to this app has been turned off. Type your commands in a channel.",
  not_member: (channel) => `You are looking at #${channel.name}.`,
};

function drawClosed(channel, words) {
  const key = words ? `${channel.id} ${channel.closed}` : "";
  $("closed").hidden = !words;
  if ($("closed").dataset.key === key) return;
  $("closed").dataset.key = key;
  const join = () => post("/api/join", { person: app.ui.person, channel: channel.id });
  const button = channel.closed === "not_member" ? h("button", { type: "button", class: "button primary", testid: "join", on: { click: join } }, "Join channel") : null;
  $("closed").replaceChildren(...(words ? [h("p", { text: words(channel) }), button].filter(Boolean) : []));
}

function drawEmpty() {
  const channel = here();
  const empty = !topLevel(app.messages(channel.id)).length && !app.ui.waiting.length;
  $("empty").hidden = !empty || app.ui.home;
  if (!empty) return;
  const bot = channel.kind === "dm";
  $("empty").replaceChildren(
    bot ? avatar(app.world.bot) : h("span", { class: "big-hash", "aria-hidden": "true", text: "#" }),
    h("h2", { text: bot ? app.world.bot.name : `#${channel.name}` }),
    h("p", { text: bot ? `${app.world.bot.reads ? "Type a command here, such as get courier. " : ""}Private answers and the builds you watch arrive here.` : channel.bot ? `${app.world.bot.name} is in this channel. New builds will be announced here once a subscription says so.` : `${app.world.bot.name} is not in this channel yet: /invite @${app.world.bot.name} lets it in.` }));
}

/** An address of the claim page opens in the phone beside Slack; on a phone, in a tab of its own like any other. */
function openHere(url, node) {
  const claim = app.state.claim;
  if (!claim || !url.startsWith(`${claim}/b/`) || window.innerWidth < 760) return false;
  const words = node?.closest("article")?.textContent || "";
  phone.show(url, url.slice(claim.length), /android/i.test(words) ? "android" : "iphone", document.activeElement);
  return true;
}

function drawRight() {
  const thread = app.ui.thread && !app.ui.home && !app.ui.phone;
  $("phone").hidden = !app.ui.phone;
  document.body.classList.toggle("with-phone", Boolean(app.ui.phone));
  $("thread").hidden = !thread;
  $("side").hidden = Boolean((thread || app.ui.phone) && wide.matches) || !app.ui.panel;
  document.body.classList.toggle("with-side", !$("side").hidden);
  document.body.classList.toggle("with-thread", Boolean(thread));
  for (const button of [$("panel-toggle"), $("tabbar-applivery")]) button.setAttribute("aria-pressed", String(!$("side").hidden));
  $("tabbar-chat").setAttribute("aria-pressed", String($("side").hidden));
  if (thread) {
    $("thread-room").textContent = here().kind === "dm" ? app.world.bot.name : `#${here().name}`;
    threadComposer.field.placeholder = "Reply…";
    threadComposer.hidden = Boolean(here().closed);
    drawThread(app, $("thread-scroll"), $("thread-list"), { jump: app.ui.threadJump });
    app.ui.threadJump = false;
  }
  applivery.draw();
}

function drawMiddle() {
  const jump = app.ui.jump;
  app.ui.jump = false;
  $("home").hidden = !app.ui.home;
  $("messages").hidden = app.ui.home;
  if (app.ui.home) {
    $("scroll").atEnd = false; // a Home is read from its top
    const shown = app.state.home || { id: "none", payload: { blocks: [] } };
    sync($("home"), [shown], (view) => view.id, (view) => homeOf(app, view.payload, view.id));
  }
  drawMessages(app, $("scroll"), $("messages"), { jump });
}

function drawAll() {
  if (!app.world || !app.channels().length) return;
  if (!here()) return void fromHash();
  names.users = Object.fromEntries(app.world.users.map((user) => [user.id, user.name]));
  names.channels = Object.fromEntries(app.world.channels.map((one) => [one.id, one.name]));
  names.groups = app.world.groups;
  names.me = app.world.me;
  document.body.classList.remove("loading");
  markRead();
  drawSidebar();
  drawHeader();
  drawWelcome();
  drawMiddle();
  drawEmpty();
  drawRight();
  drawViews(app);
}

let asked = false;
function schedule() {
  if (asked) return;
  asked = true;
  queueMicrotask(() => {
    asked = false;
    drawAll();
  });
}

// ------------------------------------------------------------------ live

let source = null;
let known = null; // the server's run; another one means a new page may be there

function listen() {
  source?.close();
  app.state = {};
  source = new EventSource(`/api/stream?person=${encodeURIComponent(app.ui.person)}`);
  source.addEventListener("open", () => ($("offline").hidden = true));
  source.addEventListener("error", () => ($("offline").hidden = false));
  source.addEventListener("run", (event) => {
    if (known && known !== event.data) location.reload();
    known = event.data;
  });
  source.addEventListener("message", (event) => {
    Object.assign(app.state, JSON.parse(event.data));
    schedule();
  });
}

// ------------------------------------------------------------------ start

const channelComposer = composer(app, { testid: "composer", sendId: "send" });
const threadComposer = composer(app, { testid: "thread-composer", sendId: "thread-send", inThread: true });
const applivery = panel(app);
const phone = phonePane(app, $("phone"));
opener.open = openHere;
$("composer-place").append(channelComposer);
$("thread-composer-place").append(threadComposer);
$("side").append(applivery);
keepAtEnd($("scroll"), $("messages"));
keepAtEnd($("thread-scroll"), $("thread-list"));

if (!wide.matches) app.ui.panel = false;
$("panel-toggle").addEventListener("click", () => showPanel($("side").hidden));
$("thread-close").addEventListener("click", closeThread);
$("tabbar-chat").addEventListener("click", () => showPanel(false));
$("tabbar-applivery").addEventListener("click", () => showPanel(true));
$("drawer-open").addEventListener("click", () => document.body.classList.toggle("drawer"));
$("veil").addEventListener("click", () => document.body.classList.remove("drawer"));
$("tab-home").addEventListener("click", () => {
  app.ui.home = true;
  $("scroll").scrollTop = 0;
  post("/api/home", { person: app.ui.person });
  schedule();
});
$("tab-messages").addEventListener("click", () => ((app.ui.home = false), (app.ui.jump = true), schedule()));
wide.addEventListener("change", () => showPanel(wide.matches));
window.addEventListener("hashchange", fromHash);
document.addEventListener("visibilitychange", schedule);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (document.body.classList.contains("drawer")) document.body.classList.remove("drawer");
  else if (app.ui.phone) closePhone();
  else if (app.ui.thread) closeThread();
});
setInterval(schedule, 60_000); // "5 minutes ago" grows old
listen();
window.addEventListener("unhandledrejection", (event) => toast(`The page stumbled: ${event.reason}`));
