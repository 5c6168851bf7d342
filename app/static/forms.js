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

  const place = (area) => { const url = new URL(area.form.getAttribute("action") || location.href, location.href); return url.pathname + url.search; };
  const key = (area) => `draft:${person}:${place(area)}:${area.name}`;
  const KEPT_MS = 7 * 24 * 3600 * 1000;
  const drafts = () => store(localStorage, (kept) => Object.keys(kept).filter((name) => name.startsWith("draft:"))) || [];
  const read = (name) => store(localStorage, (kept) => JSON.parse(kept.getItem(name) || "null"));
  const drop = (name) => store(localStorage, (kept) => kept.removeItem(name));
  drafts().filter((name) => !(Date.now() - read(name)?.at < KEPT_MS)).forEach(drop);
  const offer = (area, draft) => {
    const line = document.createElement("p");
    line.className = "draft";
    const say = document.body.dataset;
    line.append(`${say.draftFound} `);
    [[say.draftUse, () => { area.value = draft.text; area.dispatchEvent(new Event("input", { bubbles: true })); area.focus(); }],
      [say.draftDrop, () => drop(key(area))]].forEach(([label, act]) => {
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
    const draft = read(key(area));
    if (draft && draft.text !== area.value) offer(area, draft);
  });
  // The page that follows says whether the form was taken: only then its drafts are no longer needed.
  const sent = store(sessionStorage, (kept) => JSON.parse(kept.getItem("sent") || "[]")) || [];
  if ("taken" in document.body.dataset) sent.forEach(drop);
  store(sessionStorage, (kept) => kept.removeItem("sent"));
  document.addEventListener("input", (event) => {
    const area = event.target.closest("textarea[data-draft]");
    if (area) store(localStorage, (kept) => kept.setItem(key(area), JSON.stringify({ text: area.value, at: Date.now() })));
  });
  const keysOf = (form) => [...form.querySelectorAll("textarea[data-draft]")].map(key);
  const noteSent = (form) => store(sessionStorage, (kept) => kept.setItem("sent", JSON.stringify(keysOf(form))));
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (event.target.matches("[data-leaves]")) drafts().forEach(drop);
    else if (event.target.matches("[data-guard]")) noteSent(event.target);
  });

  /* -- another language on a page with a form: what was typed goes along -- */

  const typed = (form) => [...form.elements].filter((part) => part.name && !["csrf_token", "once"].includes(part.name) && !["password", "file", "submit", "button"].includes(part.type))
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
  // Rows that were added to a grid have no place on the page as it comes anew: the browser asks about them.
  const forms = () => [...document.querySelectorAll("form[data-guard]:not([data-rows-form])")];
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
  /* What is called like something on the page below would lead there: it gets a name of its own. */
  let sheets = 0;
  const rename = (part) => {
    sheets += 1;
    const taken = [...part.querySelectorAll("[id]")].filter((one) => document.querySelectorAll(`[id="${one.id}"]`).length > 1).map((one) => one.id);
    const fresh = (name) => (taken.includes(name) ? `sheet${sheets}-${name}` : name);
    part.querySelectorAll("[id]").forEach((one) => { one.id = fresh(one.id); });
    ["for", "data-fills", "aria-describedby", "aria-controls", "aria-labelledby"].forEach((attribute) => part.querySelectorAll(`[${attribute}]`)
      .forEach((one) => one.setAttribute(attribute, one.getAttribute(attribute).split(" ").map(fresh).join(" "))));
    part.querySelectorAll("a[href^='#']").forEach((one) => one.setAttribute("href", `#${fresh(one.hash.slice(1))}`));
  };
  const fill = async (sheet, answer) => {
    const body = sheet.querySelector(".sheet-body");
    body.innerHTML = await answer.text();
    rename(body);
    furnish(sheet);
    recall(sheet);
    const head = sheet.querySelector("h1");
    if (head) { head.id = `sheet${sheets}-title`; sheet.setAttribute("aria-labelledby", head.id); }
    const wrong = sheet.querySelector("[aria-invalid=true]");
    if (wrong) enter(wrong);
    else sheet.querySelector(".field input, .field textarea, .field select, .btn-primary")?.focus();
  };
  const leave = (sheet) => {
    const form = sheet.querySelector("form[data-guard]");
    if (form && isUnsaved(form) && !window.confirm(document.body.dataset.unsaved)) return;
    sheet.close();
  };
  // Answers that hold what was typed; any other would throw it away.
  const KEEPS = [200, 422, 400, 401, 503];
  const heading = async (answer) => {
    const told = new DOMParser().parseFromString(await answer.text(), "text/html");
    return [...told.querySelectorAll("h1, h1 + p")].map((part) => part.textContent.trim()).join("\n") || document.body.dataset.offline;
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
      form.dataset.sent = "yes";
      submits(form).forEach((button) => { button.disabled = true; });
      const fills = document.getElementById(link.dataset.fills || "");
      const reply = await ask(form.action, { method: "POST", body: new FormData(form, event.submitter), headers: fills ? { "X-Record": "1" } : {} });
      const place = reply?.headers.get("X-Location");
      if (fills && (reply?.status === 201 || place)) {
        // Without its key (the answer to the first try was lost) it is found by typing, like any other.
        const made = place ? null : await reply.json();
        if (made) {
          fills.tomselect.addOption(made);
          if (fills.multiple) fills.tomselect.addItem(made.value); else fills.tomselect.setValue(made.value);
        }
        keysOf(form).forEach(drop);
        sheet.close();
        enter(fills);
      } else if (place) {
        noteSent(form);
        arrive(place);
      } else if (reply && KEEPS.includes(reply.status)) {
        await fill(sheet, reply);
        const refused = sheet.querySelector("form[data-guard]");
        if (refused) refused.dataset.touched = "yes";
      } else {
        if (reply) window.alert(await heading(reply));
        delete form.dataset.sent;
        submits(form).forEach((button) => { button.disabled = false; });
      }
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

  window.portal.arrive = arrive;
  recall(document);
})();
