// Block Kit blocks → DOM nodes.
import { visualization } from "./charts.js";
import { h, link } from "./dom.js";
import { element } from "./elements.js";
import { markdown, plainOf, richText, textOf } from "./mrkdwn.js";
import { dataTable, table } from "./tables.js";
import { bytes } from "./when.js";

function section(block, ctx) {
  const words = h("div", { class: "words" });
  if (block.text) words.append(textOf(block.text));
  if (block.fields) words.append(h("div", { class: "fields" }, block.fields.map((field) => h("div", null, textOf(field)))));
  return h("div", { class: "section" }, words, block.accessory ? h("div", { class: "accessory" }, element(block, block.accessory, ctx)) : null);
}

const context = (block, ctx) =>
  h("div", { class: "context" }, block.elements.map((item) => (item.type === "image" ? element(block, item, ctx) : h("span", null, textOf(item)))));

const actions = (block, ctx) => h("div", { class: "actions" }, block.elements.map((item) => element(block, item, ctx)));

function image(block) {
  const shown = h("img", { src: block.image_url || block.slack_file?.url, alt: block.alt_text || "", loading: "lazy" });
  return h("figure", { class: "picture" }, block.title ? h("figcaption", null, textOf(block.title)) : null, shown);
}

function input(block, ctx) {
  const required = ctx.surface === "modal" && !block.optional;
  const error = ctx.errors?.[block.block_id];
  const control = element(block, block.element, ctx);
  if (block.element.focus_on_load) (control.matches("input, textarea") ? control : control.querySelector("input"))?.setAttribute("data-focus-on-load", "");
  return h(
    "div",
    { class: error ? "input wrong" : "input" },
    h("div", { class: "label" }, textOf(block.label), required ? null : h("small", { text: " (optional)" })),
    control,
    block.hint && !error ? h("div", { class: "hint" }, textOf(block.hint)) : null,
    error ? h("div", { class: "error", role: "alert", testid: `error-${block.block_id}`, text: error }) : null,
  );
}

function container(block, ctx) {
  const body = h("div", { class: "container-body" }, (block.child_blocks || []).map((child) => draw(child, ctx)));
  const title = block.rich_text_title ? richText(block.rich_text_title) : typeof block.title === "string" ? block.title : textOf(block.title);
  const subtitle = block.subtitle ? h("small", null, typeof block.subtitle === "string" ? block.subtitle : textOf(block.subtitle)) : null;
  const kind = `container ${block.width || "standard"}`;
  if (!block.is_collapsible) return h("div", { class: kind }, h("div", { class: "container-title" }, title, subtitle), body);
  return h("details", { class: kind, open: !block.default_collapsed }, h("summary", { class: "container-title" }, title, subtitle), body);
}

export function fileCard(file) {
  const name = file.title || file.name || "file";
  const url = file.page_path ? location.origin + file.page_path : file.url_private || file.permalink || file.url;
  const kind = (file.filetype || name.split(".").at(-1) || "file").slice(0, 4).toUpperCase();
  const inner = [h("span", { class: "file-kind", text: kind }), h("span", null, h("b", { text: name }), h("small", { text: bytes(file.size) }))];
  return url ? Object.assign(link(url, ...inner), { className: "file" }) : h("div", { class: "file" }, inner);
}

function alert(block) {
  return h("div", { class: `alert ${block.level || "info"}`, role: "note" }, textOf(block.text));
}

function card(block, ctx) {
  const part = (value) => (value ? (typeof value === "string" ? value : textOf(value)) : null);
  return h("div", { class: "card" },
    block.hero_image ? h("img", { src: block.hero_image.image_url, alt: block.hero_image.alt_text || "" }) : null,
    h("b", null, part(block.title)), h("small", null, part(block.subtitle)), h("div", null, part(block.body)),
    block.actions ? actions({ ...block, elements: block.actions }, ctx) : null);
}

const KINDS = {
  section, context, actions, image, input, container, alert, card, table,
  divider: () => h("hr"),
  header: (block) => h(`h${(block.level || 1) + 2}`, { class: "header" }, textOf(block.text)),
  rich_text: richText,
  markdown: (block) => markdown(block.text),
  data_table: dataTable,
  data_visualization: visualization,
  file: (block) => fileCard({ name: block.file?.name || block.external_id, ...block.file }),
  carousel: (block, ctx) => h("div", { class: "carousel" }, (block.elements || block.cards || []).map((item) => card(item, ctx))),
  context_actions: (block, ctx) => h("div", { class: "actions" }, block.elements.flatMap((item) =>
    item.type === "feedback_buttons" ? [item.positive_button, item.negative_button].map((one) => element(block, { type: "button", action_id: item.action_id, ...one }, ctx)) : element(block, { ...item, type: "button" }, ctx))),
};

function draw(block, ctx) {
  const make = KINDS[block.type];
  const node = make ? make(block, ctx) : h("div", { class: "unknown" }, `A “${block.type}” block cannot be shown here.`, h("small", { text: plainOf(block.text) }));
  node.classList.add("block");
  return node;
}

/** All blocks of a message or view, in order. */
export const blocks = (list, ctx) => h("div", { class: "blocks" }, list.map((block) => draw(block, ctx)));
