// Keeps an open page as the ledger is, without a reload: hears from /live that figures changed, reads the page's own address
// again, and changes in place what differs; does so, too, while the page says that some of it is still being worked out. Hears of new alerts on every page. A window that nobody looks at hears nothing.
"use strict";
(() => {
  const main = document.getElementById("main"), dot = document.querySelector("[data-live-dot]"), toasts = document.getElementById("toasts");
  if (!dot || !toasts || !window.EventSource) return;
  const moves = "live" in main.dataset, tenant = new URLSearchParams(location.search).get("tenant");
  const query = tenant ? `?tenant=${encodeURIComponent(tenant)}` : "";
  const REST_MS = 2000, SHARE = 10, LATER_MS = 30000, TOASTS = 3, TOAST_MS = 30000;
  let source = null, timer = 0, missed = false, awaits = "soon" in main.dataset, reading = false, notBefore = 0, paused = sessionStorage.getItem("live") === "paused";

  const WORDS = {
    live: moves ? "Live: figures follow the ledger. Press to pause." : "This page is of the past and stays as it is; new alerts are told. Press to pause.",
    paused: "Paused: press to follow the ledger again.",
    offline: "Offline: the gateway cannot be reached, or your session is over. It is tried again.",
  };
  function show(state) {
    dot.hidden = false;
    dot.dataset.liveDot = state;
    dot.lastElementChild.textContent = state;
    dot.setAttribute("aria-label", WORDS[state]);
    dot.title = WORDS[state];
  }

  function connect() {
    if (paused) return show("paused");
    if (source || document.hidden) return;
    source = new EventSource(`/live${query}`);
    source.onopen = () => { show("live"); if (missed) refresh(); };
    source.onerror = () => {
      missed = true;
      show("offline");
      if (source?.readyState === EventSource.CLOSED) { leave(); setTimeout(connect, LATER_MS); }
    };
    source.addEventListener("changed", refresh);
    source.addEventListener("alert", (event) => toast(JSON.parse(event.data)));
    source.addEventListener("out", () => { leave(); show("offline"); });
  }
  function leave() { source?.close(); source = null; clearTimeout(timer); missed = true; }

  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : connect()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && connect());
  dot.addEventListener("click", () => {
    paused = !paused;
    sessionStorage.setItem("live", paused ? "paused" : "on");
    if (paused) leave();
    connect();
  });

  // Somebody fills in a form, or is asked whether they mean it: nothing moves under their hands.
  const busy = () => main.querySelector("form:focus-within, details.confirm[open]") !== null;
  async function refresh() {
    clearTimeout(timer);
    if (!(moves || awaits) || document.hidden || paused) return;
    missed = false;
    const wait = Math.max(notBefore - Date.now(), reading || busy() ? REST_MS : 0);
    if (wait > 0) { timer = setTimeout(refresh, wait); return; }
    reading = true;
    const begun = performance.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
      const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
      if (fresh && busy()) timer = setTimeout(refresh, REST_MS);
      else if (fresh) { children(main, fresh); awaits = main.toggleAttribute("data-soon", "soon" in fresh.dataset); }
    } catch { missed = true; }
    reading = false;
    notBefore = Date.now() + Math.max(REST_MS, SHARE * (performance.now() - begun));  // a slow page is read less often
    if (awaits) { clearTimeout(timer); timer = setTimeout(refresh, REST_MS); }
  }

  const held = (node) => !getSelection().isCollapsed && getSelection().containsNode(node, true);
  const keyOf = (node) => node.id || (node.matches?.("tr, li") && node.querySelector("a[href]")?.getAttribute("href")) || "";
  const typed = (field) =>
    field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
    : field.options ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((each) => each.defaultSelected))
    : field.type !== "hidden" && field.defaultValue !== undefined && field.value !== field.defaultValue;

  function change(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType === Node.TEXT_NODE) { if (!held(old)) old.data = fresh.data; return; }
    if (old.nodeType !== Node.ELEMENT_NODE) return;
    if (old.nodeName === "FORM" && [...old.elements].some(typed)) return;
    if (old.nodeName.toLowerCase() === "svg") { if (!held(old)) old.replaceWith(fresh); return; }
    for (const { name, value } of [...fresh.attributes]) if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    children(old, fresh);
  }
  function unique(nodes) {
    const found = new Map(), twice = new Set();
    for (const each of nodes) { const key = keyOf(each); if (found.has(key)) twice.add(key); if (key) found.set(key, each); }
    for (const key of twice) found.delete(key);
    return found;
  }
  // What alone has a name, or leads somewhere, is found again wherever it stands now; the rest by its kind and place. What a
  // form said stays until the page is left.
  const stays = (node) => held(node) || node.matches?.(".flash[role=status]");
  const alike = (one, other) => one.nodeName === other.nodeName && one.getAttribute?.("class") === other.getAttribute?.("class");
  function children(old, fresh) {
    const named = unique(old.children), renamed = unique(fresh.children);
    const isNamed = (node) => named.has(keyOf(node)) && renamed.has(keyOf(node));
    const ahead = (from, node) => { for (let each = from; each && !isNamed(each); each = each.nextSibling) if (alike(each, node)) return each; return null; };
    const match = (at, next) => {
      if (isNamed(next)) return named.get(keyOf(next));
      if (!at || next.nodeType !== Node.ELEMENT_NODE) return at?.nodeType === next.nodeType ? at : null;
      const instead = !isNamed(at) && at.nodeName === next.nodeName && !ahead(next.nextSibling, at) ? at : null;
      return ahead(at, next) ?? instead;
    };
    let at = old.firstChild;
    const drop = (until) => { while (at !== until) { const gone = at; at = at.nextSibling; if (!stays(gone)) gone.remove(); } };
    for (const next of [...fresh.childNodes]) {
      const same = match(at, next);
      if (same?.nodeName !== next.nodeName) { old.insertBefore(next, at); continue; }
      if (isNamed(next) && same !== at) old.insertBefore(same, at);
      else { drop(same); at = same.nextSibling; }
      change(same, next);
    }
    drop(null);
  }

  function toast(alert) {
    const made = document.createElement("div"), text = document.createElement("p"), title = document.createElement("b");
    const link = document.createElement("a"), close = document.createElement("button");
    made.className = `toast ${alert.is_bad ? "bad" : "warn"}`;
    title.textContent = `New alert: ${alert.title}. `;
    text.append(title, alert.text);
    link.href = document.querySelector('#menu a[href^="/alerts"]')?.href ?? `/${query}#wrong`;
    link.textContent = "See alerts";
    close.type = "button";
    close.textContent = "✕";
    close.setAttribute("aria-label", "Put away");
    close.addEventListener("click", () => made.remove());
    made.append(text, link, close);
    toasts.append(made);
    while (toasts.children.length > TOASTS) toasts.firstElementChild.remove();
    const away = () => (made.matches(":hover, :focus-within") ? setTimeout(away, TOAST_MS) : made.remove());
    setTimeout(away, TOAST_MS);
  }

  connect();
  if (awaits) timer = setTimeout(refresh, REST_MS);
})();
