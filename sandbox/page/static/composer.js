// Where a person types: grows, sends on Enter, completes /commands, @people and app names.
import { h, post, postFile, toast } from "./dom.js";

/** Is this text the start of a known command, and which? */
const commandIn = (world, text) => world.commands.find((one) => text === one.command || text.startsWith(`${one.command} `));

function commandSuggestions(app, text) {
  if (!text.startsWith("/") || text.includes("\n")) return [];
  const { world } = app;
  const command = commandIn(world, text);
  if (!command || text === command.command) {
    const commands = world.commands.filter((one) => one.command.startsWith(text.split(" ")[0]));
    const rows = commands.map((one) => ({ label: one.command, usage: one.usage_hint, says: one.description, insert: `${one.command} ` }));
    const global = world.shortcuts.filter((one) => one.type === "global" && text.length === 1);
    return [...rows, ...global.map((one) => ({ label: one.name, usage: "shortcut", says: one.description, shortcut: one }))];
  }
  const words = text.slice(command.command.length + 1);
  const [verb, ...rest] = words.split(" ");
  if (!rest.length) {
    return world.hints.filter((hint) => hint.verb.startsWith(verb)).map((hint) => ({
      label: hint.verb, usage: hint.usage, says: hint.says, insert: `${command.command} ${hint.verb}${hint.usage ? " " : ""}`,
    }));
  }
  return argumentSuggestions(app, command.command, verb, rest);
}

function argumentSuggestions(app, command, verb, rest) {
  const hint = app.world.hints.find((one) => one.verb === verb);
  if (!hint) return [];
  const usage = { hint: true, label: `${verb} ${hint.usage}`, says: hint.says };
  if (rest.length > 1 || !/app/.test(hint.usage)) return [usage];
  const apps = app.apps().filter((one) => one.slug.startsWith(rest[0].toLowerCase()) && one.slug !== rest[0]);
  return [usage, ...apps.map((one) => ({ label: one.slug, usage: one.name, says: one.oss.join(" · "), insert: `${command} ${verb} ${one.slug}` }))];
}

/** People, user groups and the app itself behind an @, wherever it stands: after a blank, or as in mention:@qa. */
function peopleSuggestions(app, text, caret) {
  const found = /(^|[\s:(])@([\w.-]*)$/.exec(text.slice(0, caret));
  if (!found) return [];
  const start = caret - found[2].length - 1;
  const typed = found[2].toLowerCase();
  const offer = (name, usage) => ({ label: `@${name}`, usage, insert: `${text.slice(0, start)}@${name} ${text.slice(caret)}`, at: start + name.length + 2 });
  const people = app.world.users
    .filter((user) => user.handle.startsWith(typed) || user.name.toLowerCase().startsWith(typed))
    .map((user) => offer(user.name, user.bot ? "app" : ""));
  const groups = Object.values(app.world.groups).map((handle) => handle.slice(1)).filter((handle) => handle.startsWith(typed));
  return [...people, ...groups.map((handle) => offer(handle, "user group"))];
}

/** Channels behind a #. */
function channelSuggestions(app, text, caret) {
  const found = /(^|[\s:(])#([\w-]*)$/.exec(text.slice(0, caret));
  if (!found) return [];
  const start = caret - found[2].length - 1;
  return app.world.channels
    .filter((room) => room.kind === "channel" && room.name.startsWith(found[2].toLowerCase()))
    .map((room) => ({ label: `#${room.name}`, usage: room.private ? "private" : "", insert: `${text.slice(0, start)}#${room.name} ${text.slice(caret)}`, at: start + room.name.length + 2 }));
}

/**
 * What people type as @Name, @group or #channel → what Slack sends as <@U…>, <!subteam^S…> or <#C…>; the rest is escaped as Slack does.
 * A command that wants it gets the names too: <@U…|handle>. https://docs.slack.dev/interactivity/implementing-slash-commands
 */
function encode(world, text, named = false) {
  let coded = text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const tail = (name) => (named ? `|${name}` : "");
  for (const user of [...world.users].sort((a, b) => b.name.length - a.name.length)) {
    const code = `<@${user.id}${tail(user.handle)}>`;
    coded = coded.replaceAll(`@${user.name}`, code).replace(new RegExp(`(^|\\s|:)@${RegExp.escape?.(user.handle) ?? user.handle}(?![\\w.-])`, "g"), `$1${code}`);
  }
  for (const [id, handle] of Object.entries(world.groups)) {
    coded = coded.replace(new RegExp(`(^|[\\s:(])${handle}(?![\\w.-])`, "g"), `$1<!subteam^${id}${named ? `|${handle}` : ""}>`);
  }
  for (const room of world.channels.filter((one) => one.kind === "channel")) {
    coded = coded.replace(new RegExp(`(^|\\s|:)#${room.name}(?![\\w-])`, "g"), `$1<#${room.id}${tail(room.name)}>`);
  }
  return coded;
}

export function composer(app, { testid, sendId, inThread = false }) {
  const id = `${testid}-suggestions`;
  let shown = [];
  let active = -1;

  const field = h("textarea", { rows: 1, testid, "aria-label": inThread ? "Reply" : "Message", "aria-autocomplete": "list", "aria-controls": id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "send" });
  const send = h("button", { type: "submit", class: "send", testid: sendId, "aria-label": "Send", disabled: true }, h("span", { class: "icon send-icon", "aria-hidden": "true" }));
  const list = h("ul", { id, role: "listbox", "aria-label": "Suggestions" });
  const onlyHere = h("p", { class: "only-here", testid: inThread ? null : "only-here", text: "Only in this demo: real Slack suggests nothing after a command." });
  const box = h("div", { class: "suggestions", testid: inThread ? null : "suggestions", hidden: true }, list, onlyHere);
  const slash = h("button", { type: "button", class: "quiet tool", "aria-label": "Commands", title: "Commands", on: { click: () => fill("/") } }, "/");
  const at = h("button", { type: "button", class: "quiet tool", "aria-label": "Mention somebody", title: "Mention", on: { click: () => fill(`${field.value}@`) } }, "@");
  const file = h("input", { type: "file", class: "visually-hidden", testid: "composer-file", "aria-label": "Post a file" });
  const clip = h("label", { class: "quiet tool", title: "Post a file" }, file, h("span", { "aria-hidden": "true" }, "+"));
  const form = h("form", { class: "composer" }, box, field, h("div", { class: "composer-tools" }, inThread ? null : clip, inThread ? null : slash, at, h("span", { class: "enter-hint" }, h("b", null, "Enter"), " to send"), send));

  function refresh() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 180)}px`;
    send.disabled = !field.value.trim();
    const text = field.value;
    const caret = field.selectionStart ?? text.length;
    shown = peopleSuggestions(app, text, caret); // real Slack has these two, also within a command
    if (!shown.length) shown = channelSuggestions(app, text, caret);
    onlyHere.hidden = shown.length > 0 || !commandIn(app.world, text) || text === commandIn(app.world, text).command;
    if (!shown.length && !inThread) shown = commandSuggestions(app, text);
    active = shown.findIndex((one) => !one.hint);
    // A complete word needs Enter to send it, not to complete it again.
    if (shown[active]?.insert?.trim() === text.trim()) active = -1;
    paint();
  }

  function paint() {
    box.hidden = !shown.length;
    list.replaceChildren(...shown.map((one, index) =>
      h("li", {
        role: "option", id: `${id}-${index}`, class: [one.hint ? "hint" : "", index === active ? "active" : ""].join(" ").trim(), "aria-selected": String(index === active), "aria-disabled": one.hint ? "true" : null,
        on: { pointerdown: (event) => event.preventDefault(), click: () => accept(one) },
      }, h("b", { text: one.label }), one.usage ? h("code", { text: one.usage }) : null, one.says ? h("small", { text: one.says }) : null)));
    if (active >= 0) field.setAttribute("aria-activedescendant", `${id}-${active}`);
    else field.removeAttribute("aria-activedescendant");
    list.querySelector(".active")?.scrollIntoView({ block: "nearest" });
  }

  async function accept(one) {
    if (!one || one.hint) return;
    if (one.shortcut) {
      fill("");
      const answer = await post("/api/shortcut", { person: app.ui.person, callback_id: one.shortcut.callback_id, channel: app.ui.channel });
      if (answer.error) toast(`${one.label} failed: ${answer.error}`);
      return;
    }
    fill(one.insert, one.at);
  }

  function fill(text, caret = text.length) {
    field.value = text;
    field.focus();
    field.setSelectionRange(caret, caret);
    refresh();
  }

  function hide() {
    shown = [];
    active = -1;
    paint();
  }

  async function submit() {
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    refresh();
    hide();
    const kept = await (text.startsWith("/") ? sendCommand(app, text, inThread) : say(app, encode(app.world, text), inThread));
    if (!kept && !field.value) {
      field.value = text; // nothing typed is lost when it could not be sent
      refresh();
      hide();
    }
  }

  file.addEventListener("change", async () => {
    const [one] = file.files;
    if (!one) return;
    clip.classList.add("busy");
    const where = { person: app.ui.person, channel: app.ui.channel, text: encode(app.world, field.value.trim()) };
    const answer = await postFile(one, where);
    clip.classList.remove("busy");
    file.value = "";
    if (answer.error) toast(`${one.name} was not posted: ${answer.error}`);
    else fill("");
  });
  form.addEventListener("submit", (event) => (event.preventDefault(), submit()));
  field.addEventListener("input", refresh);
  field.addEventListener("blur", () => setTimeout(hide, 150));
  field.addEventListener("focus", refresh);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (shown.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const real = shown.map((one, index) => (one.hint ? -1 : index)).filter((index) => index >= 0);
      if (real.length) active = real[(real.indexOf(active) + (event.key === "ArrowDown" ? 1 : -1) + real.length) % real.length];
      paint();
    } else if (event.key === "Tab" && active >= 0) {
      event.preventDefault();
      accept(shown[active]);
    } else if (event.key === "Escape" && shown.length) {
      event.stopPropagation();
      hide();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (active >= 0 && completes(shown[active], field.value)) accept(shown[active]);
      else submit();
    }
  });
  return Object.assign(form, { fill, field });
}

/** Enter completes a word that is only half typed; otherwise it sends. */
function completes(one, text) {
  if (one.shortcut) return true;
  return Boolean(one.insert) && one.insert.trim().length > text.trim().length && !/\s$/.test(text);
}

async function sendCommand(app, text, inThread) {
  const name = text.split(/\s/)[0];
  if (inThread) {
    toast(`${name} is not supported in threads. Sorry!`);
    return false;
  }
  // Slack's own, and the only one of those that does something here
  const command = commandIn(app.world, text) || (name === "/invite" ? {} : null);
  if (!command) {
    toast(`${name} is not a valid command. In Slack, messages that start with “/” are commands.`);
    return false;
  }
  const channel = app.ui.channel;
  const done = app.waitFor(channel, text);
  const sent = command.should_escape ? encode(app.world, text, true) : text;
  const answer = await post("/api/command", { person: app.ui.person, channel, text: sent });
  done();
  if (answer.error) toast(`${name} failed with the error “${answer.error}”`);
  else app.tried(text);
  return !answer.error;
}

async function say(app, text, inThread) {
  const answer = await post("/api/say", { person: app.ui.person, channel: app.ui.channel, thread_ts: inThread ? app.ui.thread : null, text });
  if (answer.error) toast(`That was not sent: ${answer.error}`);
  return !answer.error;
}
