"use strict";

/* Everything works without this file except type-ahead in large look-ups; it makes pages quicker to use. */

const typed = (select) => new TomSelect(select, {
  valueField: "value", labelField: "text", searchField: [], plugins: select.multiple ? ["remove_button"] : ["clear_button"],
  maxOptions: 30, preload: "focus", create: false, score: () => () => 1,
  load: (text, done) => {
    fetch(`${select.dataset.lookup}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } })
      .then((answer) => (answer.ok ? answer.json() : { rows: [] })).then((found) => done(found.rows)).catch(() => done([]));
  },
  onType() { this.clearOptions(); },
  render: { no_results: () => null, option: (row, escape) => `<div>${escape(row.text)}</div>`, item: (row, escape) => `<div>${escape(row.text)}</div>` },
});
document.querySelectorAll("select[data-lookup]").forEach(typed);

document.addEventListener("click", (event) => {
  const drawer = event.target.closest("[data-drawer]");
  const side = document.getElementById("side");
  if (drawer || (side && side.classList.contains("is-open") && !event.target.closest("#side"))) {
    const open = side.classList.toggle("is-open");
    document.querySelector("[data-drawer]").setAttribute("aria-expanded", String(open));
    return;
  }
  if (event.target.closest("[data-print]")) { window.print(); return; }
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button, input, label") && !String(window.getSelection())) window.location.assign(row.dataset.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  form.querySelectorAll("button:not([type=button])").forEach((button) => { if (form.method === "post") setTimeout(() => { button.disabled = true; }); });
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent] button").forEach((button) => { button.disabled = false; }));

const guarded = document.querySelector("form[data-guard]");
if (guarded) {
  let touched = Boolean(document.querySelector(".note-danger"));
  guarded.addEventListener("input", () => { touched = true; });
  window.addEventListener("beforeunload", (event) => { if (touched && !guarded.dataset.sent) event.preventDefault(); });
  const first = guarded.querySelector("[aria-invalid=true]");
  if (first) first.focus();
}

const bulk = document.getElementById("bulk");
if (bulk) {
  const boxes = [...document.querySelectorAll("input[name=rowid]")];
  const all = document.querySelector("[data-all]");
  const told = bulk.querySelector("[data-picked]");
  const show = () => {
    const count = boxes.filter((box) => box.checked).length;
    bulk.hidden = count === 0;
    told.textContent = `${told.dataset.picked} ${count}`;
    all.checked = count === boxes.length;
  };
  all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); show(); });
  boxes.forEach((box) => box.addEventListener("change", show));
}
