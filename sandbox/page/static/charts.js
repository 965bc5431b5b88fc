// Slack's data_visualization block as a small SVG: line, bar, area, pie.
import { h, s } from "./dom.js";

const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** Round steps for an axis that starts at zero. */
function ticks(top) {
  const rough = Math.max(top, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((by) => by * power).find((by) => by >= rough && (top > 4 || Number.isInteger(by)));
  return Array.from({ length: Math.ceil(Math.max(top, 1) / step) + 1 }, (_, index) => index * step);
}

function frame(chart, narrow) {
  const categories = chart.axis_config?.categories || chart.series[0].data.map((point) => point.label);
  const values = chart.series.flatMap((one) => one.data.map((point) => point.value));
  const marks = ticks(Math.max(0, ...values));
  const size = { width: narrow ? 320 : 560, height: narrow ? 200 : 220 };
  const room = { left: 34, right: 10, top: 10, bottom: chart.axis_config?.x_label ? 40 : 26 };
  const inner = { width: size.width - room.left - room.right, height: size.height - room.top - room.bottom };
  const band = inner.width / categories.length;
  return {
    categories, marks, size, room, inner, band,
    x: (index) => room.left + band * (index + 0.5),
    y: (value) => room.top + inner.height * (1 - Math.max(0, value) / marks.at(-1)),
  };
}

function axes(svg, at, config) {
  for (const mark of at.marks) {
    svg.append(s("line", { class: mark ? "grid" : "axis", x1: at.room.left, x2: at.size.width - at.room.right, y1: at.y(mark), y2: at.y(mark) }));
    svg.append(s("text", { x: at.room.left - 6, y: at.y(mark) + 3.5, "text-anchor": "end" }, number.format(mark)));
  }
  const widest = Math.max(...at.categories.map((name) => name.length)) * 6.2 + 10;
  const every = Math.max(1, Math.ceil(widest / at.band));
  at.categories.forEach((name, index) => {
    if (index % every === 0) svg.append(s("text", { x: at.x(index), y: at.size.height - at.room.bottom + 16, "text-anchor": "middle" }, name));
  });
  if (config?.x_label) svg.append(s("text", { class: "label", x: at.room.left + at.inner.width / 2, y: at.size.height - 4, "text-anchor": "middle" }, config.x_label));
  if (config?.y_label) svg.append(s("title", null, config.y_label));
}

const hover = (series, point) => s("title", null, `${series.name} · ${point.label}: ${number.format(point.value)}`);

function lines(svg, chart, at) {
  chart.series.forEach((series, color) => {
    const points = series.data.map((point, index) => [at.x(index), at.y(point.value)]);
    const path = points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
    if (chart.type === "area") svg.append(s("path", { class: `area c${color}`, d: `${path}L${points.at(-1)[0]} ${at.y(0)}L${points[0][0]} ${at.y(0)}Z` }));
    svg.append(s("path", { class: `line c${color}`, d: path }));
    series.data.forEach((point, index) => svg.append(s("circle", { class: `dot c${color}`, cx: points[index][0], cy: points[index][1], r: 3.5 }, hover(series, point))));
  });
}

function bars(svg, chart, at) {
  const width = Math.min(36, (at.band * 0.7) / chart.series.length);
  chart.series.forEach((series, color) => {
    series.data.forEach((point, index) => {
      const x = at.x(index) + (color - chart.series.length / 2) * width + 1;
      const y = at.y(point.value);
      const tall = at.y(0) - y;
      const round = Math.min(3, tall, width / 2);
      const d = `M${x} ${at.y(0)}V${y + round}q0 ${-round} ${round} ${-round}h${width - 2 - 2 * round}q${round} 0 ${round} ${round}V${at.y(0)}Z`;
      svg.append(s("path", { class: `bar c${color}`, d }, hover(series, point)));
    });
  });
}

function pie(chart) {
  const total = chart.segments.reduce((sum, segment) => sum + segment.value, 0) || 1;
  const svg = s("svg", { viewBox: "0 0 180 180", class: "pie" });
  let turn = -Math.PI / 2;
  const at = (angle, radius) => `${(90 + Math.cos(angle) * radius).toFixed(2)} ${(90 + Math.sin(angle) * radius).toFixed(2)}`;
  chart.segments.forEach((segment, color) => {
    const share = segment.value / total;
    const end = turn + Math.min(share, 0.99999) * 2 * Math.PI;
    const big = share > 0.5 ? 1 : 0;
    const d = `M${at(turn, 84)}A84 84 0 ${big} 1 ${at(end, 84)}L${at(end, 46)}A46 46 0 ${big} 0 ${at(turn, 46)}Z`;
    svg.append(s("path", { class: `bar c${color}`, d }, s("title", null, `${segment.label}: ${number.format(segment.value)}`)));
    turn = end;
  });
  svg.append(s("text", { class: "total", x: 90, y: 96, "text-anchor": "middle" }, number.format(total)));
  return svg;
}

function legend(entries) {
  if (entries.length < 2) return null;
  return h("ul", { class: "legend" }, entries.map(([name, value], color) =>
    h("li", null, h("span", { class: `swatch c${color}` }), name, value === undefined ? null : h("b", { text: number.format(value) }))));
}

/** The same numbers for people who cannot see the picture. */
function spoken(chart) {
  const rows = chart.segments
    ? chart.segments.map((segment) => [segment.label, segment.value])
    : chart.series.flatMap((series) => series.data.map((point) => [`${series.name}, ${point.label}`, point.value]));
  return h("div", { class: "sr" }, h("table", null, rows.map(([name, value]) => h("tr", null, h("th", { scope: "row", text: name }), h("td", { text: value })))));
}

function drawn(block, narrow) {
  const { chart } = block;
  let svg;
  if (chart.type === "pie") svg = pie(chart);
  else {
    const at = frame(chart, narrow);
    svg = s("svg", { viewBox: `0 0 ${at.size.width} ${at.size.height}` });
    axes(svg, at, chart.axis_config);
    (chart.type === "bar" ? bars : lines)(svg, chart, at);
  }
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${block.title} (${chart.type} chart)`);
  const entries = chart.segments ? chart.segments.map((one) => [one.label, one.value]) : chart.series.map((one) => [one.name]);
  return h("div", { class: chart.type === "pie" ? "chart-body side" : "chart-body" }, svg, legend(entries));
}

export function visualization(block) {
  let narrow = window.matchMedia("(max-width: 760px)").matches;
  const figure = h("figure", { class: "chart" }, h("figcaption", { text: block.title }), drawn(block, narrow), spoken(block.chart));
  // a thread is narrow on a wide screen too: drawn for the room there is, the words stay as large as all others
  new ResizeObserver(([entry]) => {
    const now = entry.contentRect.width > 0 ? entry.contentRect.width < 440 : narrow;
    if (now === narrow) return;
    narrow = now;
    figure.children[1].replaceWith(drawn(block, narrow));
  }).observe(figure);
  return figure;
}
