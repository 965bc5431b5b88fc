// Slack's `table` and `data_table` blocks; the second can be sorted, searched and paged.
import { h } from "./dom.js";
import { richText } from "./mrkdwn.js";

const plain = (cell) => {
  if (cell.type === "raw_number") return cell.text ?? String(cell.value);
  if (cell.type === "rich_text") return (cell.elements || []).flatMap((part) => part.elements || []).map((leaf) => leaf.text || leaf.url || "").join("");
  return cell.text ?? "";
};

function cellNode(tag, cell, settings) {
  const align = settings?.align || (cell?.type === "raw_number" ? "right" : null);
  const node = h(tag, { class: [align === "right" ? "right" : align === "center" ? "center" : "", settings?.is_wrapped === false ? "nowrap" : ""].join(" ").trim() || null });
  if (cell) node.append(cell.type === "rich_text" ? richText(cell) : plain(cell));
  return node;
}

export function table(block) {
  const [head, ...rows] = block.rows;
  const draw = (tag, row) => h("tr", null, row.map((cell, index) => cellNode(tag, cell, block.column_settings?.[index])));
  return h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", null, h("thead", null, draw("th", head)), h("tbody", null, rows.map((row) => draw("td", row)))));
}

function compare(a, b) {
  if (a?.type === "raw_number" && b?.type === "raw_number") return a.value - b.value;
  return plain(a || {}).localeCompare(plain(b || {}), undefined, { numeric: true });
}

export function dataTable(block) {
  const [head, ...all] = block.rows;
  const size = block.page_size || 5;
  const view = { sort: null, down: false, page: 0, query: "" };
  const body = h("tbody");
  const pager = h("div", { class: "pager" });
  const heads = head.map((cell, index) => {
    const numeric = all.length && all.every((row) => row[index]?.type === "raw_number");
    const node = h("th", { scope: "col", class: numeric ? "right" : null, "aria-sort": "none" },
      h("button", { type: "button", testid: `sort-${index}`, on: { click: () => sortBy(index) } }, plain(cell), h("span", { class: "arrow", "aria-hidden": "true" })));
    return node;
  });

  function sortBy(index) {
    if (view.sort === index && view.down) Object.assign(view, { sort: null, down: false });
    else Object.assign(view, { down: view.sort === index, sort: index });
    view.page = 0;
    paint();
  }

  function paint() {
    const found = all.filter((row) => row.some((cell) => plain(cell || {}).toLowerCase().includes(view.query)));
    if (view.sort !== null) found.sort((a, b) => compare(a[view.sort], b[view.sort]) * (view.down ? -1 : 1));
    heads.forEach((node, index) => node.setAttribute("aria-sort", view.sort !== index ? "none" : view.down ? "descending" : "ascending"));
    const pages = Math.max(1, Math.ceil(found.length / size));
    view.page = Math.min(view.page, pages - 1);
    const rows = found.slice(view.page * size, (view.page + 1) * size);
    body.replaceChildren(...rows.map((row) => h("tr", null, row.map((cell, index) =>
      cellNode(index === block.row_header_column_index ? "th" : "td", cell)))));
    const turn = (by) => h("button", { type: "button", class: "quiet", disabled: view.page + by < 0 || view.page + by >= pages, "aria-label": by < 0 ? "Previous page" : "Next page", on: { click: () => ((view.page += by), paint()) } }, by < 0 ? "‹" : "›");
    const first = found.length ? view.page * size + 1 : 0;
    pager.replaceChildren(h("span", { text: `${first}–${Math.min(found.length, first + size - 1)} of ${found.length}` }), pages > 1 ? turn(-1) : "", pages > 1 ? turn(1) : "");
  }

  const search = h("input", { type: "search", class: "field small", placeholder: "Search", "aria-label": `Search in ${block.caption}`, on: { input: (event) => ((view.query = event.target.value.trim().toLowerCase()), (view.page = 0), paint()) } });
  paint();
  return h("figure", { class: "data-table" },
    h("figcaption", null, h("b", { text: block.caption }), all.length > size ? search : null),
    h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": block.caption },
      h("table", null, h("thead", null, h("tr", null, heads)), body)),
    pager);
}
