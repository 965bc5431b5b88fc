// Slack's mrkdwn, its rich_text and standard Markdown → DOM nodes.
import { append, h, link, safeUrl } from "./dom.js";
import { emoji, emojis } from "./emoji.js";
import { full, slackDate } from "./when.js";

const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

/** Who a mention means; filled in by page.js whenever the workspace changes. */
export const names = { users: {}, channels: {}, groups: {}, me: null };

const mention = (text, me = false) => h("span", { class: me ? "mention me" : "mention" }, text);
const userMention = (id, label) => mention(`@${label || names.users[id] || "unknown"}`, id === names.me);
const channelMention = (id, label) => mention(`#${label || names.channels[id] || "private-channel"}`);

function dateNode(stamp, format, url, fallback) {
  const seconds = Number(stamp);
  if (!Number.isFinite(seconds)) return fallback || "";
  const date = new Date(seconds * 1000);
  const node = h("time", { datetime: date.toISOString(), title: full(date) }, slackDate(seconds, format));
  return url ? link(url, node) : node;
}

function special(token) {
  const [body, ...rest] = token.split("|");
  const label = rest.length ? unescape(rest.join("|")) : null;
  if (body[0] === "@") return userMention(body.slice(1), label);
  if (body[0] === "#") return channelMention(body.slice(1), label);
  if (body[0] !== "!") return link(unescape(body), label ? emojis(label) : unescape(body).replace(/^mailto:/, ""));
  const [kind, ...parts] = body.slice(1).split("^");
  if (kind === "date") return dateNode(parts[0], unescape(parts[1] || "{date} {time}"), parts[2], label);
  if (kind === "subteam") return mention(label || names.groups[parts[0]] || "@group");
  return mention(`@${kind}`, true);
}

const ANGLE = /<([^<>\n]+)>/y;
const CODE = /`([^`\n]+)`/y;
const EMOJI = /:([a-z0-9_+-]+(?:::skin-tone-\d)?):/y;
const BARE = /https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)'"*_~`]/y;
const PAIRS = {
  "*": [/\*(?=\S)([^\n]*?\S)\*(?![A-Za-z0-9])/y, "strong"],
  _: [/_(?=\S)([^\n]*?\S)_(?![A-Za-z0-9])/y, "em"],
  "~": [/~(?=\S)([^\n]*?\S)~(?![A-Za-z0-9])/y, "s"],
};

function match(regex, text, at) {
  regex.lastIndex = at;
  return regex.exec(text);
}

/** One run of mrkdwn (no fences, no quotes) → nodes. */
function inline(text) {
  const out = [];
  let plain = "";
  const flush = () => {
    if (plain) out.push(unescape(plain));
    plain = "";
  };
  const take = (found, node) => {
    flush();
    out.push(node);
    return found[0].length;
  };
  for (let at = 0; at < text.length; ) {
    const step = piece(text, at, take);
    if (step) at += step;
    else plain += text[at++];
  }
  flush();
  return out;
}

function piece(text, at, take) {
  const char = text[at];
  const startsWord = at === 0 || !/[A-Za-z0-9]/.test(text[at - 1]);
  let found;
  if (char === "\n") return take(["\n"], h("br"));
  if (char === "<" && (found = match(ANGLE, text, at))) return take(found, special(found[1]));
  if (char === "`" && (found = match(CODE, text, at))) return take(found, h("code", { text: unescape(found[1]) }));
  if (char === ":" && (found = match(EMOJI, text, at)) && emoji(found[1])) return take(found, emoji(found[1]));
  if (char === "h" && startsWord && (found = match(BARE, text, at))) return take(found, link(unescape(found[0]), unescape(found[0])));
  if (PAIRS[char] && startsWord && (found = match(PAIRS[char][0], text, at))) {
    return take(found, h(PAIRS[char][1], null, inline(found[1])));
  }
  return 0;
}

function paragraphs(text) {
  const out = [];
  let quote = null;
  let lines = [];
  const flush = () => {
    if (!lines.length) return;
    const nodes = inline(lines.join("\n"));
    out.push(quote ? h("blockquote", null, nodes) : nodes);
    lines = [];
  };
  for (const line of text.split("\n")) {
    const quoted = /^(?:>|&gt;) ?(.*)$/.exec(line);
    if (Boolean(quoted) !== Boolean(quote)) flush();
    quote = quoted;
    lines.push(quoted ? quoted[1] : line);
  }
  flush();
  return out;
}

/** mrkdwn text → a span of nodes. */
export function mrkdwn(text) {
  const node = h("span", { class: "mrkdwn" });
  String(text || "")
    .split(/```\n?([\s\S]*?)\n?```\n?/)
    .forEach((part, index) => {
      if (index % 2) node.append(h("pre", { text: unescape(part) }));
      else if (part) append(node, paragraphs(part));
    });
  return node;
}

/** A text object ({type: mrkdwn | plain_text, text}) → a node. */
export function textOf(object) {
  if (!object) return null;
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return h("span", { class: "plain" }, object.emoji === false ? object.text : emojis(object.text));
}

export const plainOf = (object) => (object ? emojis(object.text || "") : "");

// ------------------------------------------------------------------ rich_text

function richLeaf(item) {
  switch (item.type) {
    case "text":
      return item.text;
    case "link":
      return link(item.url, item.text || item.url);
    case "emoji":
      return emoji(item.name) || `:${item.name}:`;
    case "user":
      return userMention(item.user_id);
    case "channel":
      return channelMention(item.channel_id);
    case "usergroup":
      return mention(`@${names.groups[item.usergroup_id] || "group"}`);
    case "broadcast":
      return mention(`@${item.range}`, true);
    case "date":
      return dateNode(item.timestamp, item.format || "{date} {time}", item.url, item.fallback);
    case "color":
      return item.value;
    default:
      return item.text || "";
  }
}

function richRun(items = []) {
  return items.map((item) => {
    let node = richLeaf(item);
    const style = item.style || {};
    for (const [name, tag] of [["code", "code"], ["strike", "s"], ["italic", "em"], ["bold", "strong"]]) {
      if (style[name]) node = h(tag, null, node);
    }
    return node;
  });
}

export function richText(block) {
  const node = h("div", { class: "rich" });
  for (const part of block.elements || []) {
    if (part.type === "rich_text_list") {
      const list = h(part.style === "ordered" ? "ol" : "ul", { class: `indent-${part.indent || 0}` });
      for (const item of part.elements || []) list.append(h("li", null, richRun(item.elements)));
      node.append(list);
    } else if (part.type === "rich_text_preformatted") {
      node.append(h("pre", null, richRun(part.elements)));
    } else if (part.type === "rich_text_quote") {
      node.append(h("blockquote", { class: "keep" }, richRun(part.elements)));
    } else {
      node.append(h("p", { class: "keep" }, richRun(part.elements)));
    }
  }
  return node;
}

// ------------------------------------------------------------------ standard Markdown (the `markdown` block)

const MD = /(`[^`]+`)|\[([^\]]+)\]\(([^)\s]+)\)|\*\*(.+?)\*\*|__(.+?)__|~~(.+?)~~|\*(\S.*?)\*|(?<![A-Za-z0-9])_(\S.*?)_(?![A-Za-z0-9])|<(https?:[^>]+)>/;

function mdInline(text) {
  const found = MD.exec(text);
  if (!found) return [emojis(text)];
  const [all, code, label, url, bold, bold2, strike, em, em2, auto] = found;
  let node;
  if (code) node = h("code", { text: code.slice(1, -1) });
  else if (url) node = safeUrl(url) ? link(url, mdInline(label)) : label;
  else if (auto) node = link(auto, auto);
  else node = h(strike ? "s" : bold || bold2 ? "strong" : "em", null, mdInline(bold || bold2 || strike || em || em2));
  return [emojis(text.slice(0, found.index)), node, ...mdInline(text.slice(found.index + all.length))];
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

function mdTable(lines) {
  const [head, , ...rows] = lines.map(cells);
  return h(
    "div",
    { class: "table-wrap" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, head.map((cell) => h("th", null, mdInline(cell))))),
      h("tbody", null, rows.map((row) => h("tr", null, row.map((cell) => h("td", null, mdInline(cell)))))),
    ),
  );
}

const MD_KINDS = [
  [/^#{1,6} /, (lines) => lines.map((line) => h(`h${Math.min(4, line.indexOf(" ") + 1)}`, null, mdInline(line.replace(/^#+ /, ""))))],
  [/^\s*[-*+] /, (lines) => h("ul", null, lines.map((line) => h("li", null, mdInline(line.replace(/^\s*[-*+] /, "")))))],
  [/^\s*\d+[.)] /, (lines) => h("ol", null, lines.map((line) => h("li", null, mdInline(line.replace(/^\s*\d+[.)] /, "")))))],
  [/^> ?/, (lines) => h("blockquote", null, lines.flatMap((line) => [...mdInline(line.replace(/^> ?/, "")), h("br")]))],
  [/^(-{3,}|\*{3,})$/, () => h("hr")],
  [/^\|.*\|/, mdTable],
];

export function markdown(text) {
  const node = h("div", { class: "rich markdown" });
  text.split(/```\w*\n?([\s\S]*?)\n?```\n?/).forEach((part, index) => {
    if (index % 2) return void node.append(h("pre", { text: part }));
    let kind = null;
    let lines = [];
    const flush = () => {
      if (lines.length) append(node, [kind ? kind[1](lines) : h("p", null, lines.flatMap((line) => [...mdInline(line), " "]))]);
      lines = [];
    };
    for (const line of part.split("\n")) {
      const next = MD_KINDS.find(([regex]) => regex.test(line)) || null;
      if (next !== kind || !line.trim()) flush();
      kind = next;
      if (line.trim()) lines.push(line);
    }
    flush();
  });
  return node;
}
