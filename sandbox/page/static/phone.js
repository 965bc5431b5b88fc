// The bot's claim page beside the fake Slack, asked for as a phone asks for it.
import { h } from "./dom.js";

const DEVICES = { iphone: "iPhone", android: "Android" };

/** The pane in `node`; `show` opens an address of the claim page in it, `hide` gives the focus back. */
export function phonePane(app, node) {
  let shown = null; // {url, path, device, from}
  const frame = h("iframe", { title: "Install page on a phone", sandbox: "allow-forms allow-same-origin allow-downloads allow-scripts", testid: "phone-frame" });
  const devices = Object.entries(DEVICES).map(([device, words]) =>
    h("button", { type: "button", testid: `device-${device}`, "aria-pressed": "false", on: { click: () => load({ ...shown, device }) } }, words));
  const close = h("button", { type: "button", class: "quiet", "aria-label": "Close phone", testid: "phone-close", on: { click: () => hide() } }, "×");
  const own = h("p", { class: "phone-own" });
  node.append(
    h("header", { class: "pane-head" }, h("div", { class: "room-words" }, h("h2", { text: "Phone" }), h("p", { text: "The install page, as a phone shows it" })), close),
    h("div", { class: "phone-devices", role: "group", "aria-label": "Device" }, devices),
    h("div", { class: "phone-frame" }, frame), own);

  function load(next) {
    shown = next;
    Object.keys(DEVICES).forEach((device, index) => devices[index].setAttribute("aria-pressed", String(device === shown.device)));
    own.replaceChildren(h("a", { href: shown.url, target: "_blank", rel: "noreferrer noopener", text: "Open it in this browser" }));
    frame.src = `/phone/${shown.device}${shown.path}`;
  }

  function show(url, path, device, from) {
    load({ url, path, device, from });
    app.ui.phone = true;
    app.draw();
    queueMicrotask(() => close.focus({ preventScroll: true }));
  }

  function hide() {
    if (!shown) return;
    const { from } = shown;
    shown = null;
    frame.removeAttribute("src");
    app.ui.phone = false;
    app.draw();
    if (from?.isConnected) from.focus({ preventScroll: true });
  }
  return { show, hide };
}
