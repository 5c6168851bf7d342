"use strict";

/* Rows edited in place: without this file the same grid is a page of its own, with a few blank rows. */
{
  const NEW_ROW = /^n(\d+)$/;
  const FIELDS = "input:not([type=hidden]):not([type=checkbox][name$='-remove']), select, textarea";

  /* The box of a look-up stands in for its select. */
  const focusable = (field) => (field.tomselect ? field.tomselect.control_input : field);
  const cellsOf = (form) => [...form.querySelectorAll("tbody tr[data-row]")]
    .flatMap((row) => [...row.querySelectorAll(FIELDS)]).filter((field) => !field.closest(".ts-wrapper"));

  const addRow = (form) => {
    const template = form.querySelector("[data-new-row]");
    const rows = [...form.querySelectorAll("tbody tr[data-row]")];
    if (!template || rows.length >= Number(form.dataset.limit)) return;
    const numbers = rows.map((row) => NEW_ROW.exec(row.dataset.row)).filter(Boolean).map((found) => Number(found[1]));
    const key = `n${Math.max(-1, ...numbers) + 1}`;
    const made = template.content.cloneNode(true);
    made.querySelectorAll("*").forEach((part) => ["id", "name", "for", "data-row"].forEach((name) => {
      if (part.hasAttribute(name)) part.setAttribute(name, part.getAttribute(name).replace(/^nx\b/, key));
    }));
    const row = made.querySelector("tr");
    form.querySelector("tbody").append(made);
    window.portal.furnish(row);
    const first = row.querySelector(FIELDS);
    if (first) focusable(first).focus();
  };

  /* Enter goes on to the next cell, and from the last one to a new row; it never sends the form. */
  const enterKey = (form, event) => {
    if (event.key !== "Enter" || event.defaultPrevented || event.isComposing || event.target.matches("textarea, button, a")) return;
    event.preventDefault();
    const fields = cellsOf(form);
    const at = fields.findIndex((field) => focusable(field) === event.target || field === event.target);
    if (at < 0) return;
    if (at === fields.length - 1) addRow(form);
    else focusable(fields[at + 1]).focus();
  };

  const furnishGrid = (form) => {
    form.addEventListener("keydown", (event) => enterKey(form, event));
    const adder = form.querySelector("[data-add-row]");
    if (!adder) return;
    adder.hidden = false;
    adder.addEventListener("click", () => addRow(form));
  };
  document.querySelectorAll("form[data-rows-form]").forEach(furnishGrid);

  /* In place: the grid stands where the list stood, and the page stays. */

  let open = null;

  const show = (place, html, isRefused) => {
    const parts = new DOMParser().parseFromString(html, "text/html").body;
    place.tabIndex = -1;
    place.replaceChildren(...parts.childNodes);
    open = place.querySelector("form[data-rows-form]");
    if (!open) return;
    const form = open;
    if (isRefused) form.dataset.touched = "yes";
    form.addEventListener("submit", (event) => { event.preventDefault(); send(place, form); });
    window.portal.furnish(form);
    furnishGrid(form);
    const told = isRefused && place.querySelector(".note");
    const first = cellsOf(form)[0];
    if (told) told.focus();
    // The list of a look-up would open over the rows that were just asked for.
    else (first && !first.tomselect ? first : place).focus({ preventScroll: true });
  };

  /* Any other answer is a page of its own: the browser sends the form once more and shows it. */
  const send = async (place, form) => {
    const headers = { "X-Fragment": "1" };
    form.dataset.sent = "yes";
    window.portal.submits(form).forEach((button) => { button.disabled = true; });
    const answer = await fetch(form.action, { method: "POST", headers, body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    if (!answer) { unsent(form); return; }
    if (answer.status === 204) { window.portal.arrive(answer.headers.get("X-Location")); return; }
    if (answer.status === 422) show(place, await answer.text(), true);
    else form.submit();
  };

  const unsent = (form) => {
    delete form.dataset.sent;
    form.querySelectorAll("button").forEach((button) => { button.disabled = false; });
    const note = document.createElement("div");
    note.className = "note note-danger";
    note.setAttribute("role", "alert");
    note.textContent = form.dataset.silent;
    form.parentElement.querySelectorAll("[role=alert]").forEach((old) => old.remove());
    form.before(note);
  };

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-rows]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const place = link.closest("[data-related]")?.querySelector("[data-related-rows]");
    // One grid at a time: the other may hold something unsaved.
    if (!place || (open && open.isConnected)) return;
    event.preventDefault();
    const answer = await fetch(link.href, { headers: { "X-Fragment": "1" } }).catch(() => null);
    if (!answer || answer.status !== 200) { window.location.assign(link.href); return; }
    show(place, await answer.text(), false);
  });
}
