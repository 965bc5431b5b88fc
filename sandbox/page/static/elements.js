// Interactive Block Kit elements → DOM nodes that keep their value in ctx.state and report to ctx.act.
import { combobox, known } from "./combobox.js";
import { follow, h, menu, post, postFile, toast } from "./dom.js";
import { plainOf, textOf } from "./mrkdwn.js";
import { bytes } from "./when.js";

/*
 * ctx: { surface: "message" | "modal", where, person, state: {block: {action: value}}, world, act(block, element, value, node) }
 * A value has Slack's own shape: {type, value} / {type, selected_option} / {type, selected_options} / …
 */
const stored = (ctx, block, element) => ctx.state[block.block_id]?.[element.action_id];

function keep(ctx, block, element, value) {
  (ctx.state[block.block_id] ||= {})[element.action_id] = { type: element.type, ...value };
}

function start(ctx, block, element, value) {
  if (!stored(ctx, block, element)) keep(ctx, block, element, value);
  return stored(ctx, block, element);
}

/** Keep the value; tell the bot when Slack would (never for an input without dispatch_action). */
function changed(ctx, block, element, value, node) {
  keep(ctx, block, element, value);
  if (block.type !== "input" || block.dispatch_action) ctx.act(block, element, stored(ctx, block, element), node);
}

const testid = (element) => `action-${element.action_id}`;

// ------------------------------------------------------------------ buttons and menus

function confirmFirst(confirm) {
  if (!confirm) return Promise.resolve(true);
  return new Promise((resolve) => {
    const answer = (yes) => {
      dialog.close();
      dialog.remove();
      resolve(yes);
    };
    const style = confirm.style === "danger" ? "danger" : "primary";
    const dialog = h(
      "dialog",
      { class: "modal confirm", testid: "confirm", "aria-label": plainOf(confirm.title) },
      h("h2", null, textOf(confirm.title)),
      h("p", null, textOf(confirm.text)),
      h(
        "footer",
        null,
        h("button", { class: "button", testid: "confirm-deny", on: { click: () => answer(false) } }, plainOf(confirm.deny) || "Cancel"),
        h("button", { class: `button ${style}`, testid: "confirm-ok", on: { click: () => answer(true) } }, plainOf(confirm.confirm) || "Yes"),
      ),
    );
    dialog.addEventListener("cancel", (event) => (event.preventDefault(), answer(false)));
    document.body.append(dialog);
    dialog.showModal();
  });
}

function button(block, element, ctx) {
  const kind = element.style === "primary" ? "button primary" : element.style === "danger" ? "button danger" : "button";
  const node = h("button", {
    type: "button", class: kind, testid: testid(element), "data-focus": testid(element),
    "aria-label": element.accessibility_label,
  }, textOf(element.text), element.url ? h("span", { class: "out", "aria-hidden": "true" }, "↗") : null);
  node.addEventListener("click", async () => {
    if (!(await confirmFirst(element.confirm))) return;
    // A link button opens its page and tells the app as well, as Slack does.
    if (element.url) follow(element.url, node);
    ctx.act(block, element, { type: "button", value: element.value, text: element.text }, node);
  });
  return node;
}

function overflow(block, element, ctx) {
  const node = h("button", {
    type: "button", class: "button square", testid: testid(element), "data-focus": testid(element),
    "aria-label": "More actions", "aria-haspopup": "menu", "aria-expanded": "false",
  }, "⋯");
  const run = async (option) => {
    if (!(await confirmFirst(element.confirm))) return;
    if (option.url) follow(option.url, node);
    ctx.act(block, element, { type: "overflow", selected_option: option }, node);
  };
  const item = (option) => ({ label: [textOf(option.text), option.url ? h("span", { class: "out", "aria-hidden": "true" }, "↗") : null], detail: plainOf(option.description), run: () => run(option) });
  const open = () => menu(node, element.options.map(item), { label: "More actions" });
  node.addEventListener("click", open);
  node.addEventListener("keydown", (event) => event.key === "ArrowDown" && (event.preventDefault(), open()));
  return node;
}

// ------------------------------------------------------------------ selects

const groupsOf = (element) =>
  element.option_groups
    ? element.option_groups.map((group) => ({ label: plainOf(group.label), options: group.options }))
    : [{ options: element.options || [] }];

function external(block, element, ctx) {
  return async (query) => {
    const answer = await post("/api/options", { person: ctx.person, where: ctx.where, block_id: block.block_id, action_id: element.action_id, query });
    if (answer.error) toast(`The menu could not load: ${answer.error}`);
    return groupsOf(answer);
  };
}

const asOption = (id, text) => ({ text: { type: "plain_text", text }, value: id });
const people = (world) => world.users.map((user) => asOption(user.id, user.name));
const rooms = (world) => world.channels.filter((channel) => channel.kind === "channel").map((channel) => asOption(channel.id, `#${channel.name}`));

// type → [key of one value, key of many, options of the world]
const WORLDLY = {
  users_select: ["selected_user", "selected_users", people],
  channels_select: ["selected_channel", "selected_channels", rooms],
  conversations_select: ["selected_conversation", "selected_conversations", rooms],
};

function select(block, element, ctx) {
  const multi = element.type.startsWith("multi_");
  const kind = element.type.replace("multi_", "");
  const worldly = WORLDLY[kind];
  const options = worldly ? worldly[2](ctx.world) : null;
  const shape = shaper(multi, worldly);
  const value = start(ctx, block, element, shape(initial(element, multi, worldly, options, ctx)));
  const current = worldly
    ? [value[worldly[multi ? 1 : 0]]].flat().filter(Boolean).map((id) => options.find((option) => option.value === id) || asOption(id, id))
    : [multi ? value.selected_options : value.selected_option].flat().filter(Boolean);
  const node = combobox({
    label: plainOf(block.label) || plainOf(element.placeholder) || "Choose",
    placeholder: plainOf(element.placeholder) || "Choose an option",
    multi, selected: current, testid: testid(element),
    min: kind === "external_select" ? (element.min_query_length ?? 3) : 0,
    load: kind === "external_select" ? external(block, element, ctx) : known(worldly ? [{ options }] : groupsOf(element)),
    onChange: async (chosen) => {
      if (await confirmFirst(element.confirm)) changed(ctx, block, element, shape(chosen), node);
    },
  });
  return node;
}

function shaper(multi, worldly) {
  if (worldly && multi) return (chosen) => ({ [worldly[1]]: chosen.map((option) => option.value) });
  if (worldly) return (chosen) => ({ [worldly[0]]: chosen[0]?.value ?? null });
  if (multi) return (chosen) => ({ selected_options: chosen });
  return (chosen) => ({ selected_option: chosen[0] ?? null });
}

function initial(element, multi, worldly, options, ctx) {
  if (!worldly) return multi ? element.initial_options || [] : [element.initial_option].filter(Boolean);
  const noun = worldly[0].replace("selected_", "initial_");
  const ids = [element[multi ? `${noun}s` : noun]].flat().filter(Boolean);
  if (!ids.length && element.default_to_current_conversation && ctx.channel) ids.push(ctx.channel);
  return ids.map((id) => options.find((option) => option.value === id) || asOption(id, id));
}

// ------------------------------------------------------------------ choices

function choices(block, element, ctx) {
  const many = element.type === "checkboxes";
  const first = many ? { selected_options: element.initial_options || [] } : { selected_option: element.initial_option ?? null };
  const value = start(ctx, block, element, first);
  const on = (option) => [many ? value.selected_options : value.selected_option].flat().some((other) => other?.value === option.value);
  const group = h("div", { class: "choices", role: many ? "group" : "radiogroup", "aria-label": plainOf(block.label) || "Choices", testid: testid(element) });
  const name = `choice-${Math.random()}`;
  element.options.forEach((option, index) => {
    const input = h("input", { type: many ? "checkbox" : "radio", name, checked: on(option), "data-index": index, "data-focus": `${testid(element)}-${index}` });
    input.addEventListener("change", () => {
      const picked = [...group.querySelectorAll("input:checked")].map((box) => element.options[box.dataset.index]);
      changed(ctx, block, element, many ? { selected_options: picked } : { selected_option: picked[0] ?? null }, group);
    });
    const words = h("span", null, textOf(option.text), option.description ? h("small", null, textOf(option.description)) : null);
    group.append(h("label", null, input, words));
  });
  return group;
}

// ------------------------------------------------------------------ fields

// type → [input type, key in the value, key of the initial value]
const FIELDS = {
  plain_text_input: ["text", "value", "initial_value"],
  email_text_input: ["email", "value", "initial_value"],
  url_text_input: ["url", "value", "initial_value"],
  number_input: ["number", "value", "initial_value"],
  rich_text_input: ["text", "value", "initial_value"],
  datepicker: ["date", "selected_date", "initial_date"],
  timepicker: ["time", "selected_time", "initial_time"],
  datetimepicker: ["datetime-local", "selected_date_time", "initial_date_time"],
};

const toLocal = (seconds) => {
  const date = new Date(seconds * 1000);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

function field(block, element, ctx) {
  const [type, key, initialKey] = FIELDS[element.type];
  const moment = type === "datetime-local";
  const value = start(ctx, block, element, { [key]: element[initialKey] ?? null })[key];
  const long = element.multiline || element.type === "rich_text_input";
  const node = h(long ? "textarea" : "input", {
    type: long ? null : type, class: "field", testid: testid(element), "data-focus": testid(element),
    "aria-label": plainOf(block.label) || plainOf(element.placeholder) || "Text", placeholder: plainOf(element.placeholder) || null,
    maxlength: element.max_length, minlength: element.min_length, min: element.min_value, max: element.max_value,
    step: element.is_decimal_allowed ? "any" : null, rows: long ? 4 : null, value: value === null ? "" : moment ? toLocal(value) : value,
  });
  const read = () => {
    if (!node.value) return { [key]: null };
    return { [key]: moment ? Math.floor(new Date(node.value) / 1000) : node.value };
  };
  node.addEventListener("input", () => keep(ctx, block, element, read()));
  const dispatch = () => changed(ctx, block, element, read(), node);
  if (["date", "time", "datetime-local"].includes(type)) node.addEventListener("change", dispatch);
  else {
    const triggers = element.dispatch_action_config?.trigger_actions_on || ["on_enter_pressed"];
    if (triggers.includes("on_character_entered")) node.addEventListener("input", dispatch);
    if (triggers.includes("on_enter_pressed")) node.addEventListener("keydown", (event) => event.key === "Enter" && !long && block.dispatch_action && (event.preventDefault(), dispatch()));
  }
  return node;
}

/** Files to pick; each is with the sandbox as soon as it is picked, as it is with Slack. */
function fileInput(block, element, ctx) {
  const value = start(ctx, block, element, { files: [] });
  const list = h("ul", { class: "picked", "aria-live": "polite" });
  const most = element.max_files || 10;
  const input = h("input", {
    type: "file", class: "visually-hidden", testid: testid(element), "data-focus": testid(element), multiple: most > 1,
    accept: element.filetypes?.map((one) => `.${one}`).join(","), "aria-label": plainOf(block.label) || "File",
  });
  const pick = h("label", { class: "button pick" }, input, h("span", null, most > 1 ? "Choose files" : "Choose a file"));
  const paint = () => list.replaceChildren(...value.files.map((file) =>
    h("li", null, h("b", { text: file.name }), h("small", { text: bytes(file.size) }),
      h("button", { type: "button", class: "quiet", "aria-label": `Remove ${file.name}`, on: { click: () => put(value.files.filter((one) => one !== file)) } }, "×"))));
  const put = (files) => {
    value.files = files.slice(-most);
    keep(ctx, block, element, { files: value.files });
    paint();
  };
  input.addEventListener("change", async () => {
    pick.classList.add("busy");
    for (const file of [...input.files]) {
      const answer = await postFile(file, { person: ctx.person });
      if (answer.error) toast(`${file.name} could not be uploaded: ${answer.error}`);
      else put([...value.files, answer.file]);
    }
    input.value = "";
    pick.classList.remove("busy");
  });
  paint();
  return h("div", { class: "file-input" }, list, pick);
}

const image = (block, element) => h("img", { class: "thumb", src: element.image_url, alt: element.alt_text || "", loading: "lazy" });

/** One element; an unknown type is named, never dropped in silence. */
export function element(block, item, ctx) {
  if (item.type === "button" || item.type === "workflow_button") return button(block, item, ctx);
  if (item.type === "overflow") return overflow(block, item, ctx);
  if (item.type === "checkboxes" || item.type === "radio_buttons") return choices(block, item, ctx);
  if (item.type === "image") return image(block, item);
  if (item.type === "file_input") return fileInput(block, item, ctx);
  if (FIELDS[item.type]) return field(block, item, ctx);
  if (item.type.endsWith("_select")) return select(block, item, ctx);
  return h("span", { class: "unknown" }, `${item.type} cannot be shown here`);
}
