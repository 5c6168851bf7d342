"use strict";

/* Forms while they are filled in: what is wrong is told at once, long texts keep a draft in this browser, another
   language keeps what was typed, small forms open over the page. All of it is saved without this file, too. */
(() => {
  const { furnish, enter, isUnsaved, submits } = window.portal;
  const store = (kind, act) => { try { return act(kind); } catch { return null; } };
  const person = document.body.dataset.person || "";

  /* -- what is wrong, told by the server as soon as a field is left -- */

  const tell = (input, texts) => {
    const box = input.closest(".field");
    if (!box) return;
    const id = `${input.id || input.name}-error`;
    let line = box.querySelector(".wrong");
    box.classList.toggle("is-wrong", texts.length > 0);
    const target = input.tomselect ? input.tomselect.control_input : input;
    target.toggleAttribute("aria-invalid", texts.length > 0);
    if (texts.length) target.setAttribute("aria-invalid", "true");
    if (!texts.length) { line?.remove(); return; }
    if (!line) {
      line = document.createElement("p");
      line.className = "wrong";
      line.id = id;
      box.append(line);
      target.setAttribute("aria-describedby", [target.getAttribute("aria-describedby"), line.id].filter(Boolean).join(" "));
    }
    line.textContent = texts.join(" ");
  };
  document.addEventListener("change", async (event) => {
    const form = event.target.closest("form[data-checked]");
    const input = event.target;
    if (!form || !input.name || input.type === "file" || form.dataset.sent) return;
    const body = new FormData(form);
    [...body.entries()].forEach(([name, value]) => { if (value instanceof File) body.delete(name); });
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Check": "1" } }).catch(() => null);
    if (!answer || !answer.ok || form.dataset.sent) return;
    const wrong = await answer.json().catch(() => null);
    if (wrong) tell(input, wrong[input.name] || []);
  });

  /* -- drafts of long texts -- */

  const key = (area) => `draft:${person}:${new URL(area.form.action || location.href).pathname}:${area.name}`;
  const KEPT_MS = 7 * 24 * 3600 * 1000;
  const drafts = () => store(localStorage, (kept) => Object.keys(kept).filter((name) => name.startsWith("draft:"))) || [];
  const offer = (area, draft) => {
    const line = document.createElement("p");
    line.className = "draft";
    const say = document.body.dataset;
    line.append(`${say.draftFound} `);
    [[say.draftUse, () => { area.value = draft.text; area.dispatchEvent(new Event("input", { bubbles: true })); area.focus(); }],
      [say.draftDrop, () => localStorage.removeItem(key(area))]].forEach(([label, act]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-sm";
      button.textContent = label;
      button.addEventListener("click", () => { act(); line.remove(); });
      line.append(button, " ");
    });
    area.after(line);
  };
  const recall = (root) => root.querySelectorAll("textarea[data-draft]").forEach((area) => {
    const draft = store(localStorage, (kept) => JSON.parse(kept.getItem(key(area)) || "null"));
    if (draft && draft.text !== area.value && Date.now() - draft.at < KEPT_MS) offer(area, draft);
  });
  // A form that went out and did not come back was taken: its drafts are no longer needed.
  const sent = store(sessionStorage, (kept) => JSON.parse(kept.getItem("sent") || "[]")) || [];
  const back = new Set([...document.querySelectorAll("textarea[data-draft]")].map(key));
  store(localStorage, (kept) => sent.filter((name) => !back.has(name)).forEach((name) => kept.removeItem(name)));
  store(sessionStorage, (kept) => kept.removeItem("sent"));
  document.addEventListener("input", (event) => {
    const area = event.target.closest("textarea[data-draft]");
    if (area) store(localStorage, (kept) => kept.setItem(key(area), JSON.stringify({ text: area.value, at: Date.now() })));
  });
  const noteSent = (form) => store(sessionStorage, (kept) =>
    kept.setItem("sent", JSON.stringify([...form.querySelectorAll("textarea[data-draft]")].map(key))));
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-leaves]")) drafts().forEach((name) => localStorage.removeItem(name));
    else if (event.target.matches("[data-guard]")) noteSent(event.target);
  });

  /* -- another language on a page with a form: what was typed goes along -- */

  const typed = (form) => [...form.elements].filter((part) => part.name && !["hidden", "password", "file", "submit", "button"].includes(part.type))
    .map((part) => ({ name: part.name, value: part.multiple ? [...part.selectedOptions].map((one) => [one.value, one.text]) : part.value,
      text: part.selectedOptions?.[0]?.text, checked: ["checkbox", "radio"].includes(part.type) ? part.checked : null }));
  const put = (form, one) => {
    const part = [...form.elements].find((found) => found.name === one.name && (one.checked === null || found.value === one.value));
    if (!part) return;
    if (one.checked !== null) part.checked = one.checked;
    else if (part.tomselect) {
      const values = Array.isArray(one.value) ? one.value : [[one.value, one.text]];
      values.forEach(([value, text]) => { if (value) part.tomselect.addOption({ value, text }); });
      part.tomselect.setValue(values.map(([value]) => value).filter(Boolean));
    } else part.value = one.value;
  };
  const forms = () => [...document.querySelectorAll("form[data-guard]")];
  document.querySelector("[data-languages]")?.addEventListener("submit", () => {
    const kept = forms().map((form) => (isUnsaved(form) ? typed(form) : null));
    store(sessionStorage, (box) => box.setItem("typed", JSON.stringify({ path: location.pathname, kept })));
    // Files cannot go along: the browser asks about those.
    forms().forEach((form) => { if (![...form.elements].some((part) => part.type === "file" && part.files.length)) form.dataset.sent = "yes"; });
  });
  const carried = store(sessionStorage, (box) => JSON.parse(box.getItem("typed") || "null"));
  store(sessionStorage, (box) => box.removeItem("typed"));
  if (carried?.path === location.pathname) {
    forms().forEach((form, place) => {
      if (!carried.kept[place]) return;
      carried.kept[place].forEach((one) => put(form, one));
      form.dataset.touched = "yes";
    });
  }

  /* -- small forms over the page: a step, a related record, a record that a look-up lacks -- */

  const ask = async (url, options = {}) => {
    const answer = await fetch(url, { ...options, headers: { "X-Fragment": "1", ...options.headers } }).catch(() => null);
    if (!answer) window.alert(document.body.dataset.offline);
    return answer;
  };
  const fill = async (sheet, answer) => {
    sheet.querySelector(".sheet-body").innerHTML = await answer.text();
    furnish(sheet);
    recall(sheet);
    const head = sheet.querySelector("h1");
    if (head) { head.id = "sheet-title"; sheet.setAttribute("aria-labelledby", head.id); }
    const wrong = sheet.querySelector("[aria-invalid=true]");
    if (wrong) enter(wrong);
    else sheet.querySelector(".field input, .field textarea, .field select, .btn-primary")?.focus();
  };
  const leave = (sheet) => {
    const form = sheet.querySelector("form[data-guard]");
    if (form && isUnsaved(form) && !window.confirm(document.body.dataset.unsaved)) return;
    sheet.close();
  };
  const arrive = (where) => {
    const target = new URL(where, location.href);
    // The page one is on keeps its place in the list one came from, and its tab.
    if (target.pathname === location.pathname && !target.search) window.location.reload(); else window.location.assign(target);
  };
  const open = async (link) => {
    const answer = await ask(link.href);
    if (!answer) return;
    const where = answer.headers.get("X-Location");
    if (where) { window.location.assign(where); return; }
    const sheet = document.createElement("dialog");
    sheet.className = "sheet";
    sheet.innerHTML = '<button type="button" class="sheet-close" data-close>×</button><div class="sheet-body"></div>';
    sheet.firstChild.setAttribute("aria-label", document.body.dataset.closeWord);
    document.body.append(sheet);
    sheet.addEventListener("close", () => { sheet.remove(); link.focus(); });
    sheet.addEventListener("cancel", (event) => { event.preventDefault(); leave(sheet); });
    sheet.addEventListener("click", (event) => {
      if (event.target === sheet || event.target.closest("[data-close]")) { event.preventDefault(); leave(sheet); }
    });
    sheet.addEventListener("submit", async (event) => {
      const form = event.target;
      if (event.defaultPrevented || form.closest("dialog") !== sheet) return;
      event.preventDefault();
      noteSent(form);
      form.dataset.sent = "yes";
      submits(form).forEach((button) => { button.disabled = true; });
      const fills = document.getElementById(link.dataset.fills || "");
      const reply = await ask(form.action, { method: "POST", body: new FormData(form, event.submitter), headers: fills ? { "X-Record": "1" } : {} });
      const place = reply?.headers.get("X-Location");
      if (reply?.status === 201) {
        const made = await reply.json();
        fills.tomselect.addOption(made);
        if (fills.multiple) fills.tomselect.addItem(made.value); else fills.tomselect.setValue(made.value);
        sheet.close();
        enter(fills);
      } else if (place) arrive(place);
      else if (reply) await fill(sheet, reply);
      else { delete form.dataset.sent; submits(form).forEach((button) => { button.disabled = false; }); }
    });
    sheet.showModal();
    await fill(sheet, answer);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link);
  });

  recall(document);
})();
