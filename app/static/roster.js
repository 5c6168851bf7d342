"use strict";

/* The board is a plain form; this makes it quicker: painting with a shift, arrow keys, numbers, and gaps told at once. */

const form = document.getElementById("board");
const cells = form ? [...form.querySelectorAll("select.shift")] : [];
const brushes = [...document.querySelectorAll("[data-brush]")];
const PAUSE = 350;
let held = null;
let waiting = 0;

const dress = (cell) => {
  cell.classList.remove(...[...cell.options].map((option) => option.dataset.color));
  cell.classList.add(cell.selectedOptions[0].dataset.color);
  const was = form.elements[`was-${cell.name}`];
  cell.classList.toggle("is-new", was.value !== cell.value);
};

/* The server works out hours, coverage and rests; nothing is saved by asking. */
const check = async () => {
  const body = new FormData(form);
  body.set("do", "check");
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(body) }).catch(() => null);
  if (!answer || !answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelectorAll("[data-live]").forEach((part) => {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
  });
  cells.forEach((cell) => {
    const fresh = page.getElementById(cell.id);
    if (fresh) cell.classList.toggle("is-wrong", fresh.classList.contains("is-wrong") || cell.hasAttribute("aria-invalid"));
  });
};

const give = (cell, value) => {
  if (cell.value === value || ![...cell.options].some((option) => option.value === value)) return;
  cell.value = value;
  cell.dispatchEvent(new Event("input", { bubbles: true }));
  cell.dispatchEvent(new Event("change", { bubbles: true }));
};

const hold = (brush) => {
  held = held === brush ? null : brush;
  brushes.forEach((one) => one.setAttribute("aria-pressed", String(one === held)));
  form.classList.toggle("is-painting", held !== null);
};

const step = (cell, across, down) => {
  const row = cell.closest("tr");
  const rows = [...row.parentElement.children];
  const at = [...row.children].indexOf(cell.closest("td"));
  const next = rows[rows.indexOf(row) + down]?.children[at + across]?.querySelector("select.shift");
  if (next) next.focus();
};

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

if (cells.length) {
  brushes.forEach((brush, number) => {
    const key = document.createElement("kbd");
    key.textContent = brush.dataset.brush === "" ? "0" : String(number + 1);
    brush.append(key);
    brush.disabled = false;
    brush.addEventListener("click", () => hold(brush));
  });
  document.querySelector("[data-hint]").hidden = false;
  // What was copied is as good as typed: leaving the page asks first.
  if (cells.some((cell) => cell.classList.contains("is-new"))) form.dispatchEvent(new Event("input"));
  form.addEventListener("change", (event) => {
    dress(event.target);
    clearTimeout(waiting);
    waiting = setTimeout(check, PAUSE);
  });
  form.addEventListener("mousedown", (event) => {
    const cell = event.target.closest("select.shift");
    if (!cell || !held) return;
    event.preventDefault();
    cell.focus();
    give(cell, held.dataset.brush);
  });
  form.addEventListener("keydown", (event) => {
    const cell = event.target.closest("select.shift");
    if (!cell || event.altKey || event.ctrlKey || event.metaKey) return;
    const brush = /^[1-9]$/.test(event.key) ? brushes.filter((one) => one.dataset.brush !== "")[Number(event.key) - 1] : null;
    if (STEPS[event.key]) step(cell, ...STEPS[event.key]);
    else if (brush) give(cell, brush.dataset.brush);
    else if (["0", "Delete", "Backspace"].includes(event.key)) give(cell, "");
    else if (event.key === "Escape" && held) hold(held);
    else return;
    event.preventDefault();
  });
}
