// A select one can type into: static, external and people/channel menus all use it.
import { h, popup } from "./dom.js";
import { plainOf } from "./mrkdwn.js";

let serial = 0;

/**
 * load(query) → Promise of [{label?, options: [{text, value, description?}]}].
 * `selected` is a list of options; onChange is told the new list. `multi` keeps chips.
 */
export function combobox({ label, placeholder, multi, selected, load, min = 0, disabled, testid, onChange }) {
  const id = `list-${++serial}`;
  let chosen = [...selected];
  let shown = [];
  let active = -1;
  let close = null;
  let timer = null;

  const chips = h("span", { class: "chips" });
  const input = h("input", {
    type: "text", role: "combobox", "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list",
    "aria-label": label, autocomplete: "off", spellcheck: "false", disabled, testid, "data-focus": testid,
  });
  const list = h("ul", { class: "listbox", testid: "options", role: "listbox", id, "aria-label": label });
  const box = h("span", { class: multi ? "combo multi" : "combo" }, chips, input, h("span", { class: "chevron", "aria-hidden": "true" }));

  function paint() {
    input.placeholder = chosen.length && !multi ? plainOf(chosen[0].text) : placeholder;
    input.classList.toggle("has-value", Boolean(chosen.length && !multi));
    if (!multi) return;
    chips.replaceChildren(
      ...chosen.map((option) =>
        h("span", { class: "chip" }, plainOf(option.text),
          h("button", { type: "button", "aria-label": `Remove ${plainOf(option.text)}`, on: { click: () => drop(option) } }, "×")),
      ),
    );
  }

  function drop(option) {
    chosen = chosen.filter((other) => other.value !== option.value);
    paint();
    onChange(chosen);
  }

  function pick(option) {
    if (multi) chosen = chosen.some((other) => other.value === option.value) ? chosen : [...chosen, option];
    else chosen = [option];
    input.value = "";
    hide();
    paint();
    onChange(chosen);
  }

  function hide() {
    clearTimeout(timer);
    close?.();
    close = null;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function note(text) {
    shown = [];
    list.replaceChildren(h("li", { class: "note", text }));
    close?.place();
  }

  async function fill() {
    const query = input.value.trim();
    if (query.length < min) return note(`Type ${min === 1 ? "something" : `${min} characters`} to search`);
    if (!shown.length) note("Searching…");
    const groups = await load(query);
    if (!close || query !== input.value.trim()) return undefined;
    shown = [];
    list.replaceChildren();
    for (const group of groups) {
      if (group.label) list.append(h("li", { class: "group", role: "presentation", text: group.label }));
      for (const option of group.options) list.append(row(option));
    }
    if (!shown.length) return note("No results");
    move(0);
    close.place();
    return undefined;
  }

  function row(option) {
    const index = shown.push(option) - 1;
    return h(
      "li",
      {
        role: "option", id: `${id}-${index}`, "data-value": option.value,
        "aria-selected": String(chosen.some((other) => other.value === option.value)),
        on: { pointerdown: (event) => event.preventDefault(), click: () => pick(option) },
      },
      plainOf(option.text),
      option.description ? h("small", { text: plainOf(option.description) }) : null,
    );
  }

  function move(to) {
    if (!shown.length) return;
    active = (to + shown.length) % shown.length;
    for (const node of list.querySelectorAll("[role=option]")) node.classList.toggle("active", node.id === `${id}-${active}`);
    input.setAttribute("aria-activedescendant", `${id}-${active}`);
    list.querySelector(".active")?.scrollIntoView({ block: "nearest" });
  }

  function open() {
    if (close || disabled) return;
    close = popup(box, list, { onClose: () => ((close = null), input.setAttribute("aria-expanded", "false")) });
    input.setAttribute("aria-expanded", "true");
    fill();
  }

  input.addEventListener("click", open);
  input.addEventListener("blur", hide);
  input.addEventListener("input", () => {
    open();
    clearTimeout(timer);
    timer = setTimeout(fill, 180);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!close) open();
      else move(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (close && shown[active]) pick(shown[active]);
    } else if (event.key === "Backspace" && multi && !input.value && chosen.length) drop(chosen.at(-1));
  });
  paint();
  return box;
}

/** Options that are all known: filter them here. */
export function known(groups) {
  return async (query) => {
    const needle = query.toLowerCase();
    const fits = (option) => plainOf(option.text).toLowerCase().includes(needle);
    return groups.map((group) => ({ label: group.label, options: group.options.filter(fits) })).filter((group) => group.options.length);
  };
}
