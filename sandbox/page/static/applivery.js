// The fake Applivery side: apps, builds as they move, the upload button and the counters.
import { h, post, sync, toast } from "./dom.js";
import { ago, full } from "./when.js";

const WORDS = { pending: "Pending", in_progress: "In progress", processed: "Processed", success: "Processed", error: "Error", failed: "Error" };
const KINDS = { processed: "ready", success: "ready", error: "failed", failed: "failed", pending: "pending", in_progress: "running" };
export const OS = { ios: "iOS", android: "Android", macos: "macOS", windows: "Windows" };
const FEW = 4;

function pill(status) {
  return h("span", { class: `pill ${KINDS[status] || "pending"}`, testid: "build-status" }, h("i", { "aria-hidden": "true" }), WORDS[status] || status);
}

function buildRow(build) {
  const at = new Date(build.created_at);
  return h("li", { class: "build", testid: "build", "data-build": build.id, "data-status": build.status },
    h("span", { class: `os ${build.os}`, title: OS[build.os] || build.os, text: OS[build.os] || build.os }),
    h("div", { class: "build-words" },
      h("div", null, h("b", { text: build.version }), h("small", { text: `(${build.number})` }), pill(build.status)),
      h("small", { class: "build-from" }, build.branch ? h("code", { text: build.branch }) : null, h("time", { datetime: build.created_at, title: full(at), text: ago(at) })),
      build.error ? h("small", { class: "build-error", text: build.error }) : null));
}

function appCard(app, item) {
  const all = app.ui.unfolded.has(item.id);
  const list = h("ul", { class: "builds" });
  sync(list, all ? item.builds : item.builds.slice(0, FEW), (build) => build.id, buildRow);
  const more = item.builds.length - FEW;
  const fold = () => {
    if (all) app.ui.unfolded.delete(item.id);
    else app.ui.unfolded.add(item.id);
    app.draw();
  };
  return h("section", { class: "app-card", testid: `app-${item.slug}`, "aria-label": item.name },
    h("header", null, h("span", { class: `app-icon icon${item.tint}`, "aria-hidden": "true", text: item.name[0] }),
      h("div", null, h("h3", { text: item.name }), h("small", null, h("code", { text: item.slug }), ` · ${item.oss.map((os) => OS[os] || os).join(" · ")}`))),
    list,
    more > 0 ? h("button", { type: "button", class: "quiet wide", "data-focus": `fold-${item.id}`, on: { click: fold } }, all ? "Show fewer" : `Show ${more} more builds`) : null);
}

function counter(label, value, testid, title) {
  return h("div", { class: "counter", title }, h("b", { testid, text: String(value) }), h("span", { text: label }));
}

function options(items) {
  return items.map(([value, label]) => h("option", { value, text: label }));
}

/** The whole panel, made once; `draw` refreshes its parts. */
export function panel(app) {
  const which = h("select", { class: "field", "aria-label": "App", testid: "upload-app" });
  const os = h("select", { class: "field", "aria-label": "Platform", testid: "upload-os" });
  const version = h("input", { class: "field", "aria-label": "Version", testid: "upload-version", placeholder: "next version", maxlength: "40" });
  const branch = h("input", { class: "field", "aria-label": "Branch", testid: "upload-branch", placeholder: "main", maxlength: "80" });
  const fail = h("input", { type: "checkbox", testid: "upload-fail" });
  const button = h("button", { type: "button", class: "button primary upload", testid: "upload-build" }, h("span", { class: "icon up", "aria-hidden": "true" }), "Upload a build");
  const note = h("p", { class: "upload-note", role: "status", testid: "upload-note", hidden: true });
  let fading = null;
  const counters = h("div", { class: "counters", role: "group", "aria-label": "Counters" });
  const apps = h("div", { class: "apps" });

  function platforms() {
    const chosen = app.apps().find((one) => one.slug === which.value);
    const kept = os.value;
    os.replaceChildren(...options((chosen?.oss || []).map((one) => [one, OS[one] || one])));
    if (chosen?.oss.includes(kept)) os.value = kept;
    version.placeholder = chosen?.next ? `${chosen.next} (next)` : "1.0.0";
  }

  async function upload() {
    button.classList.add("busy");
    const answer = await post("/api/upload", { person: app.ui.person, app: which.value, os: os.value, version: version.value.trim(), branch: branch.value.trim(), fail: fail.checked });
    button.classList.remove("busy");
    if (answer.error) return toast(`The upload failed: ${answer.error}`);
    note.textContent = `${answer.name} ${answer.version} (${answer.number}) is on its way: pending, in progress, then ${fail.checked ? "error" : "processed"}.`;
    note.hidden = false;
    clearTimeout(fading);
    fading = setTimeout(() => (note.hidden = true), 8000);
    version.value = "";
    fail.checked = false;
    app.tried("upload");
    return undefined;
  }

  which.addEventListener("change", platforms);
  button.addEventListener("click", upload);

  const node = h("section", { class: "applivery", testid: "applivery", "aria-label": "Applivery (fake)" },
    h("header", { class: "pane-head" }, h("div", null, h("h2", null, "Applivery ", h("small", { text: "(fake)" })), h("p", { text: "The other side: what your build machines would do." }))),
    h("div", { class: "scroll" },
      h("div", { class: "upload-box" }, button, note,
        h("div", { class: "upload-fine" },
          h("label", { class: "check" }, fail, "…and make it fail"),
          h("details", { class: "upload-options" }, h("summary", null, "Options"),
            h("div", { class: "grid" }, h("label", null, "App", which), h("label", null, "Platform", os), h("label", null, "Version", version), h("label", null, "Branch", branch))))),
      counters, apps));

  function draw() {
    const list = app.apps();
    const names = list.map((one) => one.slug).join();
    if (which.dataset.names !== names) {
      const kept = which.value;
      which.replaceChildren(...options(list.map((one) => [one.slug, one.name])));
      which.dataset.names = names;
      if (kept && names.split(",").includes(kept)) which.value = kept;
    }
    platforms();
    const { minted = 0, used = 0, crawled = 0 } = app.state.counters || {};
    counters.replaceChildren(
      counter("tokens minted", minted, "minted", "Download tokens Applivery made for the bot"),
      counter("tokens used", used, "used", "Tokens that were turned into a download"),
      counter("crawler visits", crawled, "crawled", "Links in messages that the fake Slack fetched for a preview"));
    sync(apps, list.map((one) => ({ ...one, unfolded: app.ui.unfolded.has(one.id), minute: Math.floor(Date.now() / 60_000) })), (one) => one.id, (one) => appCard(app, one));
  }
  return Object.assign(node, { draw, upload });
}
