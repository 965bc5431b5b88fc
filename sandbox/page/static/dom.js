// Small tools for making and keeping DOM nodes; text only ever enters as text, so nothing needs escaping.

/** Make an element. `props`: class, text, testid, on (listeners), aria-*, data-*, or any attribute/property. */
export function h(tag, props, ...kids) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) setProp(node, key, value);
  append(node, kids);
  return node;
}

function setProp(node, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key === "class") node.className = value;
  else if (key === "text") node.textContent = value;
  else if (key === "testid") node.dataset.testid = value;
  else if (key === "on") for (const [name, listener] of Object.entries(value)) node.addEventListener(name, listener);
  else if (key === "value" || key === "checked") node[key] = value;
  else node.setAttribute(key, value === true ? "" : value);
}

export function append(node, kids) {
  for (const kid of kids.flat(Infinity)) {
    if (kid === null || kid === undefined || kid === false) continue;
    node.append(kid instanceof Node ? kid : document.createTextNode(String(kid)));
  }
}

const SVG = "http://www.w3.org/2000/svg";

export function s(tag, props, ...kids) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  append(node, kids);
  return node;
}

/**
 * Make `parent` hold one node per item, keeping the nodes whose stamp did not change
 * (so an open menu, a half-typed field or the focus survives a refresh of its neighbours).
 */
export function sync(parent, items, keyOf, draw) {
  const had = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const keys = new Set(items.map(keyOf));
  const focus = document.activeElement?.dataset?.focus;
  const focusIn = document.activeElement?.closest?.("[data-key]")?.dataset.key;
  // The gone ones leave first, so that those which stay are never moved (moving a node takes its focus).
  for (const [key, node] of had) if (!keys.has(key)) node.remove();
  let at = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const stamp = JSON.stringify(item);
    let node = had.get(key);
    if (!node || node.stamp !== stamp) {
      const fresh = draw(item, node);
      fresh.dataset.key = key;
      fresh.stamp = stamp;
      if (node) {
        if (at === node) at = fresh;
        node.replaceWith(fresh);
      }
      node = fresh;
    }
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
  if (focus && !document.activeElement?.dataset?.focus) {
    const scope = [...parent.children].find((node) => node.dataset.key === focusIn) || parent;
    scope.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }
}

/** Only web and mail links become links; anything else stays text. */
export function safeUrl(url) {
  try {
    const parsed = new URL(url);
    return ["http:", "https:", "mailto:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

/** What opens an address on the page itself: (url, node) → whether it did; filled in by page.js. */
export const opener = { open: () => false };

export function link(url, ...kids) {
  const href = safeUrl(url);
  if (!href) return h("span", null, ...kids);
  const node = h("a", { href, target: "_blank", rel: "noreferrer noopener" }, ...kids);
  node.addEventListener("click", (event) => opener.open(href, node) && event.preventDefault());
  return node;
}

/** Open the address of a button, or of an item of its menu. */
export function follow(url, node) {
  if (!opener.open(url, node)) link(url).click();
}

/** Ask the server to do something; a refusal comes back as {error}. */
export async function post(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return await answer.json();
  } catch {
    return { error: "the sandbox did not answer" };
  }
}

const LARGEST_FILE = 50 * 1024 * 1024;

/** Hand a file to the sandbox: into a channel, or (with no channel in `where`) for a form. */
export async function postFile(file, where) {
  if (file.size > LARGEST_FILE) return { error: "the sandbox takes files of up to 50 MB" };
  const content = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
  return post("/api/file", { ...where, name: file.name, content: file.size ? content : "" });
}

const tray = () => document.getElementById("toasts");

export function toast(text, kind = "error") {
  const node = h("div", { class: `toast ${kind}`, testid: "toast", role: kind === "error" ? "alert" : "status" }, h("span", { text }));
  node.append(h("button", { class: "quiet", "aria-label": "Dismiss", on: { click: () => node.remove() } }, "×"));
  tray().append(node);
  setTimeout(() => node.remove(), 8000);
}

/** Show `node` in the top layer, next to `anchor`; returns a function that closes it. */
export function popup(anchor, node, { align = "start", onClose } = {}) {
  node.classList.add("popup");
  node.setAttribute("popover", "manual");
  (anchor.closest("dialog, main, aside") || document.body).append(node);
  node.showPopover();
  const place = () => placeNear(anchor, node, align);
  const away = (event) => {
    if (!node.contains(event.target) && !anchor.contains(event.target)) close();
  };
  const escape = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
    if (anchor.matches("button")) anchor.focus();
  };
  function close() {
    document.removeEventListener("pointerdown", away, true);
    document.removeEventListener("keydown", escape, true);
    window.removeEventListener("resize", close);
    node.remove();
    onClose?.();
  }
  document.addEventListener("pointerdown", away, true);
  document.addEventListener("keydown", escape, true);
  window.addEventListener("resize", close);
  place();
  return Object.assign(close, { place });
}

function placeNear(anchor, node, align) {
  const box = anchor.getBoundingClientRect();
  node.style.minWidth = `${Math.min(box.width, 520)}px`;
  const size = node.getBoundingClientRect();
  const room = window.innerHeight - box.bottom;
  const above = room < size.height + 12 && box.top > room;
  const left = align === "end" ? box.right - size.width : box.left;
  node.style.left = `${Math.max(8, Math.min(left, window.innerWidth - size.width - 8))}px`;
  node.style.top = `${above ? Math.max(8, box.top - size.height - 4) : box.bottom + 4}px`;
}

/**
 * A menu of buttons under `anchor`. items: [{label, detail?, danger?, run}]
 * The focus is on its first item, moves with the arrows, Home and End, and returns to the anchor.
 */
export function menu(anchor, items, { label, align = "end" } = {}) {
  const list = h("div", { class: "menu", role: "menu", "aria-label": label });
  anchor.setAttribute("aria-expanded", "true");
  const close = popup(anchor, list, { align, onClose: () => anchor.setAttribute("aria-expanded", "false") });
  for (const item of items) {
    list.append(
      h(
        "button",
        { type: "button", role: "menuitem", tabindex: "-1", class: item.danger ? "danger" : "", on: { click: () => (close(), anchor.focus({ preventScroll: true }), item.run()) } },
        item.label,
        item.detail ? h("small", { text: item.detail }) : null,
      ),
    );
  }
  close.place();
  list.addEventListener("keydown", (event) => {
    if (event.key === "Tab") close();
    else arrowKeys(event, list.querySelectorAll("button"));
  });
  list.querySelector("button")?.focus({ preventScroll: true });
  return close;
}

export function arrowKeys(event, nodes) {
  const all = [...nodes];
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: (at + 1) % all.length, ArrowUp: (at - 1 + all.length) % all.length, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  all[to]?.focus();
}
