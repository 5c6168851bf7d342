"use strict";

/* The top bar and the navigation: hits while one types, counts, what is due. Without this file the search is a form that
   leads to its page, and the notifications lead home. */

const bar = document.getElementById("top-search");
if (bar) {
  const TYPED_FOR = 250;
  const form = bar.querySelector("form");
  const box = document.getElementById("top-q");
  const found = bar.querySelector("[data-found]");
  const list = document.getElementById("top-hits");
  const told = bar.querySelector("[data-told]");
  const closer = bar.querySelector("[data-close-search]");
  const options = () => [...list.querySelectorAll("[role=option]")];
  let waiting = 0, asked = null, shownFor = "";

  Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": "top-hits", "aria-autocomplete": "list" })
    .forEach(([name, value]) => box.setAttribute(name, value));
  closer.hidden = false;

  const mark = (option) => {
    options().forEach((one) => one.setAttribute("aria-selected", String(one === option)));
    if (option) { box.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
    else box.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    clearTimeout(waiting);
    if (asked) asked.abort();
    found.hidden = true;
    shownFor = "";
    box.setAttribute("aria-expanded", "false");
    mark(null);
  };
  /* On a phone the box lies over the bar while it is open. */
  const open = () => { bar.classList.add("is-open"); box.focus(); box.select(); };
  const leave = () => { close(); bar.classList.remove("is-open"); };

  const show = (text, html) => {
    const holder = document.createElement("div");
    holder.innerHTML = html;
    const part = holder.querySelector("[data-words]");
    if (!part) return;
    list.replaceChildren(...part.children);
    told.textContent = part.dataset.words;
    shownFor = text;
    const some = options().length > 0;
    list.hidden = !some;
    found.hidden = false;
    box.setAttribute("aria-expanded", String(some));
    mark(null);
  };
  const ask = (text) => {
    if (asked) asked.abort();
    asked = new AbortController();
    fetch(`${form.action}?q=${encodeURIComponent(text)}`, { headers: { "X-Fragment": "1" }, signal: asked.signal })
      .then((answer) => (answer.status === 200 ? answer.text() : "")).then((html) => { if (box.value.trim() === text) show(text, html); })
      .catch(() => {});
  };
  /* One Latin letter or digit is in almost everything; one Han character may be a name. */
  const isEnough = (text) => text.length > 1 || text > "\u2e80";

  box.addEventListener("input", (event) => {
    const text = box.value.trim();
    clearTimeout(waiting);
    if (event.isComposing) return;
    if (!isEnough(text)) { close(); return; }
    waiting = setTimeout(ask, TYPED_FOR, text);
  });
  box.addEventListener("compositionend", () => box.dispatchEvent(new Event("input")));

  const MOVES = {
    ArrowDown: (place, last) => (place === last ? 0 : place + 1),
    ArrowUp: (place, last) => (place <= 0 ? last : place - 1),
  };
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = options();
    const place = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.key === "Escape") {
      event.preventDefault();
      if (!found.hidden) close();
      else if (bar.classList.contains("is-open")) { leave(); bar.querySelector("[data-open-search]").focus(); }
      else box.value = "";
    } else if (MOVES[event.key] && !found.hidden && all.length) {
      event.preventDefault();
      mark(all[MOVES[event.key](place, all.length - 1)]);
    } else if (event.key === "Enter" && !found.hidden && place >= 0 && shownFor === box.value.trim()) {
      event.preventDefault();
      all[place].click();
    }
  });
  form.addEventListener("submit", (event) => { if (!box.value.trim()) event.preventDefault(); });
  bar.querySelector("[data-open-search]").addEventListener("click", (event) => { event.preventDefault(); open(); });
  closer.addEventListener("click", () => { leave(); bar.querySelector("[data-open-search]").focus(); });
  bar.addEventListener("focusout", (event) => { if (event.relatedTarget && !bar.contains(event.relatedTarget)) leave(); });
  document.addEventListener("click", (event) => { if (!bar.contains(event.target)) leave(); });

  const types = (field) => field.isContentEditable || (field.matches("input, textarea, select") && !field.matches("[type=checkbox], [type=radio]"));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (types(event.target) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    open();
  });
}

/* Counts and what is due are asked beside the page, and remembered so that the next page shows them at once. */
const KEPT = "pulse";
const due = document.querySelector("[data-pulse]");
if (!due) sessionStorage.removeItem(KEPT);
else {
  const EVERY = 60_000;
  const whose = `${due.dataset.person} ${document.documentElement.lang}`;
  let askedAt = 0, isOver = false;

  const count = (place, one) => {
    place.hidden = one.count === 0;
    if (place.hidden) { place.replaceChildren(); return; }
    const [seen, read] = [document.createElement("span"), document.createElement("span")];
    seen.setAttribute("aria-hidden", "true");
    seen.textContent = one.shown;
    read.className = "visually-hidden";
    read.textContent = ` ${one.told}`;
    place.replaceChildren(seen, read);
  };
  const line = (task) => {
    const made = due.querySelector("template").content.cloneNode(true);
    const [link, record, what, tone] = ["a", "strong", "a span", ".tone"].map((part) => made.querySelector(part));
    if (task.url) link.href = task.url;
    record.textContent = task.record;
    what.textContent = task.what;
    tone.textContent = task.words;
    tone.title = task.exact;
    tone.classList.add(`tone-${task.tone}`);
    return made;
  };
  const show = (told) => {
    document.querySelectorAll("[data-queue]").forEach((place) => count(place, told.queues[place.dataset.queue] || { count: 0 }));
    count(due.querySelector("[data-due]"), told.due);
    const list = due.querySelector("[data-due-list]");
    list.replaceChildren(...told.due.tasks.map(line));
    list.hidden = told.due.count === 0;
    due.querySelector("[data-due-none]").hidden = told.due.count > 0;
  };
  const ask = () => {
    if (isOver || document.visibilityState !== "visible" || Date.now() - askedAt < EVERY / 2) return;
    askedAt = Date.now();
    fetch(due.dataset.pulse, { headers: { Accept: "application/json" } }).then((answer) => {
      // Signed out elsewhere: the next page asks who this is.
      isOver = answer.status === 401;
      if (isOver) sessionStorage.removeItem(KEPT);
      return answer.ok ? answer.json() : null;
    }).then((told) => {
      if (!told) return;
      sessionStorage.setItem(KEPT, JSON.stringify({ whose, told }));
      show(told);
    }).catch(() => {});
  };

  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
  if (kept && kept.whose === whose) show(kept.told);
  if (document.readyState === "complete") ask(); else window.addEventListener("load", ask);
  setInterval(ask, EVERY);
  document.addEventListener("visibilitychange", ask);
}
