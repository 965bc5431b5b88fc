// Modals: the top view of the person's stack as a dialog, with its inputs, errors, submit and close.
import { blocks } from "./blocks.js";
import { h, post, toast } from "./dom.js";
import { act } from "./messages.js";
import { plainOf } from "./mrkdwn.js";

let shown = null; // {key, dialog}
const states = {}; // what was typed, by view id
const wrong = {}; // errors by view id

const plainKey = (app, view, depth) => JSON.stringify([app.ui.person, view.id, view.hash, depth]);

/** Draw the top of the stack; nothing happens while it is still the same one. */
export function drawViews(app) {
  const stack = app.views();
  const top = stack.at(-1);
  const key = top ? plainKey(app, top, stack.length) : null;
  if (shown?.key === key) return;
  const before = shown;
  shown = top ? { key, dialog: dialogOf(app, top, stack.length), id: top.id } : null;
  if (!top) forget(app);
  const focus = before?.id === top?.id ? document.activeElement?.dataset?.focus : null;
  if (before) {
    before.dialog.close();
    before.dialog.remove();
  }
  if (!shown) return;
  document.body.append(shown.dialog);
  shown.dialog.showModal();
  if (before) shown.dialog.classList.add("still");
  focusFirst(shown.dialog);
  if (focus) shown.dialog.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
}

function forget() {
  for (const id of Object.keys(states)) delete states[id];
  for (const id of Object.keys(wrong)) delete wrong[id];
}

/** Start where the app asked to (`focus_on_load`), else on the first field; a menu opens when it is pressed, not before. */
function focusFirst(dialog) {
  const field = "input:not([type=file]), textarea, select";
  const target = dialog.querySelector(".form-body [data-focus-on-load]") || dialog.querySelector(`.form-body :is(${field})`) || dialog.querySelector(".dismiss");
  target?.focus({ preventScroll: true });
}

function dialogOf(app, view, depth) {
  const { payload } = view;
  const state = (states[view.id] ||= structuredClone(view.values));
  prune(state, payload.blocks);
  const errors = wrong[view.id] || {};
  const where = { view: view.id };
  const ctx = {
    surface: "modal", where, person: app.ui.person, state, world: app.world, errors,
    act: (block, item, value, node) => act(app, where, block, item, value, state, node),
  };
  const close = (all) => dismiss(app, view, all);
  const submit = payload.submit
    ? h("button", { type: "submit", class: "button primary", testid: "modal-submit" }, plainOf(payload.submit))
    : null;
  const form = h(
    "form",
    { novalidate: true },
    h("header", null,
      depth > 1 ? h("button", { type: "button", class: "quiet", "aria-label": "Back", on: { click: () => close(false) } }, "‹") : h("span", { class: "avatar bot small", "aria-hidden": "true" }),
      h("h2", { text: plainOf(payload.title) }),
      h("button", { type: "button", class: "quiet dismiss", "aria-label": "Close", testid: "modal-dismiss", on: { click: () => close(true) } }, "×")),
    h("div", { class: "form-body" }, blocks(payload.blocks, ctx)),
    submit || payload.close
      ? h("footer", null, h("button", { type: "button", class: "button", testid: "modal-close", on: { click: () => close(false) } }, plainOf(payload.close) || "Cancel"), submit)
      : null,
  );
  form.addEventListener("submit", (event) => (event.preventDefault(), send(app, view, state, submit)));
  const dialog = h("dialog", { class: "modal", testid: "modal", "aria-label": plainOf(payload.title) }, form);
  dialog.addEventListener("cancel", (event) => (event.preventDefault(), close(false)));
  return dialog;
}

/** Values of inputs that an update took away are gone, as in Slack. */
function prune(state, list) {
  const present = JSON.stringify(list);
  for (const [block, actions] of Object.entries(state)) {
    for (const action of Object.keys(actions)) if (!present.includes(JSON.stringify(action))) delete actions[action];
    if (!present.includes(JSON.stringify(block))) delete state[block];
  }
}

const empty = (value) => {
  const held = Object.entries(value || {}).filter(([key]) => key !== "type").map(([, each]) => each);
  return held.every((each) => each === null || each === "" || (Array.isArray(each) && !each.length));
};

/** What Slack itself checks before it bothers the app. */
function missing(view, state) {
  const errors = {};
  for (const block of view.payload.blocks) {
    if (block.type !== "input" || block.optional) continue;
    if (empty(state[block.block_id]?.[block.element.action_id])) errors[block.block_id] = "Please complete this required field.";
  }
  return errors;
}

function showErrors(app, view, errors) {
  wrong[view.id] = errors;
  shown = shown && { ...shown, key: null }; // draw the same view again, now with its errors
  drawViews(app);
  shown?.dialog.querySelector(".input.wrong input, .input.wrong textarea")?.focus();
}

async function send(app, view, state, button) {
  const errors = missing(view, state);
  if (Object.keys(errors).length) return showErrors(app, view, errors);
  button?.classList.add("busy");
  const answer = await post("/api/submit", { person: app.ui.person, view: view.id, values: state });
  button?.classList.remove("busy");
  if (answer.error) return toast(`We had some trouble connecting: ${answer.error}`);
  if (Object.keys(answer.errors || {}).length) return showErrors(app, view, answer.errors);
  delete wrong[view.id];
  return undefined;
}

async function dismiss(app, view, all) {
  delete states[view.id];
  delete wrong[view.id];
  const answer = await post("/api/close", { person: app.ui.person, view: view.id, all });
  if (answer.error) toast(`The form could not be closed: ${answer.error}`);
}

/** The app's Home tab, when it has published one. */
export function homeOf(app, payload, id) {
  const where = { view: id };
  const state = (states[`home ${app.ui.person}`] ||= {});
  return blocks(payload.blocks, { surface: "home", where, person: app.ui.person, state, world: app.world, act: (block, item, value, node) => act(app, where, block, item, value, state, node) });
}
