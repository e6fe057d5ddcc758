// What a page cannot do on the server: submit filters at once, words beside the pointer, light and dark, the small screen's menu.
"use strict";
const root = document.documentElement;
root.classList.add("script");

// A form is sent at once when it is changed. One that names itself changes what follows it on this page instead of the page,
// while a slider still moves, and the address with it.
const FOLLOW_MS = 120;
let following = null, waiting = 0;
async function follow(form) {
  following?.abort();
  following = new AbortController();
  const asked = new URL(form.action), name = form.dataset.autoSubmit;
  asked.search = new URLSearchParams(new FormData(form));
  try {
    const answer = await fetch(asked, { headers: { accept: "text/html" }, redirect: "error", signal: following.signal });
    if (!answer.ok) return form.requestSubmit();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll(`[data-follows="${name}"]`)) {
      const next = fresh.getElementById(part.id);
      if (next) part.replaceWith(next);
    }
    for (const field of form.querySelectorAll("[aria-valuetext]")) {
      const next = fresh.querySelector(`form[data-auto-submit="${name}"] [name="${field.name}"]`);
      if (next) field.setAttribute("aria-valuetext", next.getAttribute("aria-valuetext"));
    }
    history.replaceState(null, "", asked);
  } catch (error) {
    if (error.name !== "AbortError") form.requestSubmit();
  }
}
for (const form of document.querySelectorAll("[data-auto-submit]")) {
  const later = () => { clearTimeout(waiting); waiting = setTimeout(follow, FOLLOW_MS, form); };
  if (!form.dataset.autoSubmit) form.addEventListener("change", () => form.requestSubmit());
  else {
    form.addEventListener("input", (event) => event.target.type === "range" && later());
    form.addEventListener("change", later);
    form.addEventListener("submit", (event) => { if (event.submitter) { event.preventDefault(); follow(form); } });
  }
}

document.querySelector("[data-menu]")?.addEventListener("click", (event) => {
  const open = document.getElementById("menu").classList.toggle("open");
  event.currentTarget.setAttribute("aria-expanded", String(open));
});

document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
  const dark = getComputedStyle(root).colorScheme === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme};path=/;max-age=31536000;samesite=strict`;
});

// Where the browser lets nobody write to the clipboard, the text is selected at least.
for (const button of document.querySelectorAll("[data-copy]"))
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
    }
  });

// The marks of a chart carry what they show as a label; it stands beside the pointer.
const tooltip = document.createElement("div");
tooltip.className = "tooltip";
tooltip.hidden = true;
tooltip.setAttribute("aria-hidden", "true");
document.body.append(tooltip);
document.addEventListener("pointermove", (event) => {
  const mark = event.target.closest?.(".drawing [aria-label]:not([role='graphics-object'])");
  tooltip.hidden = !mark;
  if (!mark) return;
  tooltip.textContent = mark.getAttribute("aria-label");
  const left = Math.min(event.pageX + 12, scrollX + innerWidth - tooltip.offsetWidth - 8);
  tooltip.style.left = `${left}px`;
  tooltip.style.top = `${event.pageY + 14}px`;
});
