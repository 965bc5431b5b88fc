// Moments in words, always in the viewer's own zone and language.

const lang = undefined; // the browser's own
const fmt = (options) => (date) => new Intl.DateTimeFormat(lang, options).format(date);

export const clock = fmt({ hour: "numeric", minute: "2-digit" });
const seconds = fmt({ hour: "numeric", minute: "2-digit", second: "2-digit" });
const long = fmt({ weekday: "long", day: "numeric", month: "long" });
const longYear = fmt({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const plain = fmt({ day: "numeric", month: "long", year: "numeric" });
const short = fmt({ day: "numeric", month: "short", year: "numeric" });
export const full = fmt({ dateStyle: "full", timeStyle: "medium" });

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
const daysAgo = (date) => Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);

function pretty(date, otherwise) {
  const days = daysAgo(date);
  return days === 0 ? "today" : days === 1 ? "yesterday" : days === -1 ? "tomorrow" : otherwise(date);
}

export function dayName(date) {
  const days = daysAgo(date);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.getFullYear() === new Date().getFullYear() ? long(date) : longYear(date);
}

export function ago(date) {
  const secs = Math.round((Date.now() - date) / 1000);
  const rel = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(secs) >= size) return rel.format(-Math.round(secs / size), unit);
  }
  return "just now";
}

const TOKENS = {
  date_num: fmt({ year: "numeric", month: "2-digit", day: "2-digit" }),
  date: plain,
  date_slash: fmt({ year: "2-digit", month: "2-digit", day: "2-digit" }),
  date_short: short,
  date_long: longYear,
  date_pretty: (date) => pretty(date, plain),
  date_short_pretty: (date) => pretty(date, short),
  date_long_pretty: (date) => pretty(date, longYear),
  day_divider_pretty: (date) => pretty(date, long),
  time: clock,
  time_secs: seconds,
  ago,
};

/** Slack's date format string, e.g. "{date_short_pretty} at {time}", for a Unix time in seconds. */
export function slackDate(stamp, format) {
  const date = new Date(Number(stamp) * 1000);
  return format.replace(/\{(\w+)\}/g, (all, token) => (TOKENS[token] ? TOKENS[token](date) : all));
}

export const fromTs = (ts) => new Date(Number(ts) * 1000);

export function bytes(size) {
  if (size === null || size === undefined) return "";
  for (const [unit, by] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) if (size >= by) return `${(size / by).toFixed(1)} ${unit}`;
  return `${size} B`;
}
