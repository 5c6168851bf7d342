"use strict";

/* A list by keyboard, a head that stays in sight, the counts of filters, and the order of one's own columns. Lists work without it. */
(() => {
  const table = document.querySelector("table.list[data-list]");
  const rows = table ? [...table.tBodies[0].rows] : [];
  let here = -1;

  const go = (place) => {
    if (!rows.length) return;
    here = Math.min(Math.max(place, 0), rows.length - 1);
    const row = rows[here];
    (row.querySelector("td a") || row.querySelector("input"))?.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    j: () => go(here + 1),
    k: () => go(here - 1),
    x: () => rows[here]?.querySelector("input[name=rowid]")?.click(),
    n: () => document.querySelector("[data-new]")?.click(),
  };
  const isTyping = (part) => part.closest("input:not([type=checkbox], [type=radio]), textarea, select, dialog, [contenteditable], .ts-wrapper");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  table?.addEventListener("focusin", (event) => { here = rows.indexOf(event.target.closest("tr")); });

  /* How many each filter at one click finds: asked when the list stands, so that it waits for none of it. */
  const bar = document.querySelector("[data-tallies]");
  const places = bar ? [...bar.querySelectorAll("[data-tally]")] : [];
  if (places.length) {
    fetch(bar.dataset.tallies, { headers: { Accept: "application/json" } })
      .then((answer) => (answer.ok ? answer.json() : { tallies: [] }))
      .then(({ tallies }) => tallies.forEach((told, place) => {
        places[place].textContent = told;
        places[place].classList.toggle("is-none", told === "0");
      }))
      .catch(() => {});
  }

  /* A table that scrolls sideways is a window of its own, in which nothing can stick to the page. */
  const fit = () => {
    if (!table) return;
    const frame = table.parentElement;
    frame.classList.remove("fits");
    frame.classList.toggle("fits", table.scrollWidth <= frame.clientWidth);
  };
  fit();
  window.addEventListener("resize", fit);

  const choices = () => document.querySelectorAll(".panel[open] select[data-choices]:not(.tomselected)")
    .forEach((select) => new TomSelect(select, { plugins: ["remove_button"], maxOptions: null }));
  document.querySelector(".panel")?.addEventListener("toggle", choices);

  document.querySelectorAll("[data-sortable]").forEach((list) => {
    const template = document.getElementById("mover");
    [...list.children].forEach((line) => line.append(template.content.cloneNode(true)));
    list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-move]");
      if (!button) return;
      const line = button.closest("li");
      if (button.dataset.move === "up") line.previousElementSibling?.before(line); else line.nextElementSibling?.after(line);
      button.focus();
    });
  });
})();
