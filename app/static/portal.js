"use strict";

/* Everything works without this file except type-ahead in large look-ups; it makes pages quicker to use. */

const typed = (select) => {
  const box = new TomSelect(select, {
    valueField: "value", labelField: "text", searchField: [], plugins: select.multiple ? ["remove_button"] : ["clear_button"],
    maxOptions: 30, preload: "focus", create: false, score: () => () => 1,
    load(text, done) {
      // An answer that comes after more was typed would offer what was not asked for.
      const asked = (rows) => done(this.inputValue() === text.trim() ? rows : []);
      fetch(`${select.dataset.lookup}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } })
        .then((answer) => (answer.ok ? answer.json() : { rows: [] })).then((found) => asked(found.rows)).catch(() => done([]));
    },
    onType() { this.clearOptions(); },
    render: { no_results: () => null, option: (row, escape) => `<div>${escape(row.text)}</div>`, item: (row, escape) => `<div>${escape(row.text)}</div>` },
  });
  // The box stands in for the select, whose label it took: nobody is to find both.
  select.setAttribute("aria-hidden", "true");
  // What is wrong with the select is told at the box.
  ["aria-invalid", "aria-describedby"].filter((name) => select.hasAttribute(name))
    .forEach((name) => box.control_input.setAttribute(name, select.getAttribute(name)));
};

/* Parts that come after the page was loaded are furnished the same way. */
const isShut = (part) => Boolean(part.closest("details:not([open])"));
const furnish = (root) => root.querySelectorAll("select[data-lookup]:not(.tomselected)").forEach((select) => {
  if (!isShut(select)) typed(select);
});
/* What is folded away is furnished when it opens: most lists are read without their filters. */
document.addEventListener("toggle", (event) => furnish(event.target), true);
furnish(document);

/* The cursor goes into a field, be it the box of a look-up or the first of some pills. */
const enter = (field) => {
  const box = field.tomselect;
  if (!box) { (field.querySelector("input") || field).focus(); return; }
  // Its list would cover what is said about it.
  box.settings.openOnFocus = false;
  box.control_input.addEventListener("focus", () => { box.settings.openOnFocus = true; }, { once: true });
  box.focus();
};

const side = document.getElementById("side");
const opener = document.querySelector("[data-drawer]");
const isOpen = () => Boolean(side && side.classList.contains("is-open"));
const draw = (open) => {
  side.classList.toggle("is-open", open);
  opener.setAttribute("aria-expanded", String(open));
  if (open) side.querySelector("a").focus();
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isOpen()) { draw(false); opener.focus(); }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-drawer]")) { draw(!isOpen()); return; }
  if (isOpen() && !event.target.closest("#side")) { draw(false); return; }
  const line = event.target.closest(".note-danger a[href^='#']");
  const field = line && document.getElementById(line.hash.slice(1));
  if (field) { event.preventDefault(); enter(field); return; }
  if (event.target.closest("[data-print]")) { window.print(); return; }
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button, input, label") && !String(window.getSelection())) window.location.assign(row.dataset.href);
});

/* The server would refuse the whole form, and with it what was typed. */
const weight = (field) => [...field.files].reduce((sum, file) => sum + file.size, 0);
const refuse = (field) => {
  field.setCustomValidity(field.dataset.tooLarge);
  field.reportValidity();
  field.addEventListener("change", () => field.setCustomValidity(""), { once: true });
};

/* A form's buttons may stand outside of it. */
const submits = (form) => [...form.elements].filter((part) => part.type === "submit");

/* Asked before anybody else hears of it: a script that sends the form itself waits for the answer, too. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  const heavy = [...form.querySelectorAll("input[data-limit]")].find((field) => weight(field) > Number(field.dataset.limit));
  const stays = heavy || (form.dataset.confirm && !window.confirm(form.dataset.confirm));
  if (heavy) refuse(heavy);
  if (stays) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!event.defaultPrevented) form.dataset.sent = "yes";
  // Not form.method: a field may be called so. One that a script sends is left to that script.
  if (form.getAttribute("method") === "post" && !event.defaultPrevented) setTimeout(() => submits(form).forEach((button) => { button.disabled = true; }));
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => {
  delete form.dataset.sent;
  submits(form).forEach((button) => { button.disabled = false; });
}));

/* What was typed and not sent keeps its form from being left unasked; an answer that refuses it keeps it touched. */
const guarded = () => [...document.querySelectorAll("form[data-guard]")];
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-guard]");
  if (form) form.dataset.touched = "yes";
});
if ("refused" in document.body.dataset) guarded().forEach((form) => { form.dataset.touched = "yes"; });
const isUnsaved = (form) => Boolean(form.dataset.touched && !form.dataset.sent);
window.addEventListener("beforeunload", (event) => { if (guarded().some(isUnsaved)) event.preventDefault(); });
const first = document.querySelector("form[data-guard] [aria-invalid=true]");
if (first) enter(first);

const bulk = document.getElementById("bulk");
if (bulk) {
  const boxes = [...document.querySelectorAll("input[name=rowid]")];
  const all = document.querySelector("[data-all]");
  const show = () => {
    const chosen = boxes.filter((box) => box.checked);
    bulk.hidden = chosen.length === 0;
    bulk.querySelector("[data-picked]").textContent = chosen.length;
    // Only what some of the chosen rows can do is offered, and for how many.
    bulk.querySelectorAll("[data-step]").forEach((button) => {
      const able = chosen.filter((box) => box.dataset.steps.split(" ").includes(button.dataset.step)).length;
      button.hidden = able === 0;
      button.querySelector("[data-count]").textContent = able === chosen.length ? "" : `(${able})`;
    });
    all.checked = chosen.length === boxes.length;
  };
  all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); show(); });
  boxes.forEach((box) => box.addEventListener("change", show));
}

/* What a person left in this window is not the next one's. */
if (!document.body.dataset.person) { try { sessionStorage.clear(); } catch { /* a browser that keeps nothing */ } }

/* The navigation is longer than a screen: it opens where one is. */
const here = document.querySelector(".side [aria-current]");
if (here) side.scrollTop = here.offsetTop - side.clientHeight / 2;

/* A panel closes by a click beside it, by Escape, and when another one opens. */
document.addEventListener("click", (event) => {
  document.querySelectorAll("[data-panel][open]").forEach((panel) => {
    if (!panel.contains(event.target) && document.contains(event.target)) panel.open = false;
  });
});
document.addEventListener("keydown", (event) => {
  const panel = event.key === "Escape" && event.target.closest("[data-panel][open]");
  if (panel) { panel.open = false; panel.querySelector("summary").focus(); }
});

/* The theme changes at once and on the page one is on; it is kept for the next one. */
document.querySelectorAll("[data-themes]").forEach((form) => form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  const page = document.documentElement;
  page.dataset.theme = button.dataset.choice;
  const device = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  page.dataset.bsTheme = button.dataset.choice === "auto" ? device : button.dataset.choice;
  form.querySelectorAll("button").forEach((one) => one.toggleAttribute("aria-current", one === button));
  fetch(button.formAction, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" }).catch(() => null);
}));

window.portal = { furnish, enter, isUnsaved, submits };
