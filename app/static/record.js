"use strict";

/* The page of a record: what belongs to it as tabs, files shown over the page. Without this file all stands below each other. */
(() => {
  document.querySelectorAll("[data-tabs]").forEach((box) => {
    const parts = [...box.querySelectorAll(":scope > [data-tab]")];
    if (parts.length < 2) return;
    const bar = document.createElement("div");
    bar.setAttribute("role", "tablist");
    bar.className = "tab-bar";
    const tabs = parts.map((part) => {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.id = `tab-${part.id}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", part.id);
      tab.append(part.dataset.tab);
      if (part.dataset.count && part.dataset.count !== "0") {
        const count = document.createElement("span");
        count.className = "count";
        count.textContent = part.dataset.count;
        tab.append(" ", count);
      }
      part.setAttribute("role", "tabpanel");
      part.setAttribute("aria-labelledby", tab.id);
      part.querySelector("h2")?.classList.add("visually-hidden");
      bar.append(tab);
      return tab;
    });
    const show = (place) => {
      parts.forEach((part, number) => { part.hidden = number !== place; });
      tabs.forEach((tab, number) => { tab.setAttribute("aria-selected", String(number === place)); tab.tabIndex = number === place ? 0 : -1; });
    };
    const choose = (place) => { show(place); window.history.replaceState(null, "", `#${parts[place].id}`); };
    bar.addEventListener("click", (event) => { const place = tabs.indexOf(event.target.closest("[role=tab]")); if (place >= 0) choose(place); });
    bar.addEventListener("keydown", (event) => {
      const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!way) return;
      const place = (tabs.indexOf(document.activeElement) + way + tabs.length) % tabs.length;
      choose(place);
      tabs[place].focus();
    });
    box.prepend(bar);
    box.classList.add("has-tabs");
    const asked = parts.findIndex((part) => `#${part.id}` === window.location.hash);
    show(Math.max(asked, 0));
    window.addEventListener("beforeprint", () => parts.forEach((part) => { part.hidden = false; }));
    window.addEventListener("afterprint", () => show(tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true")));
  });

  const files = [...document.querySelectorAll("a[data-preview]")];
  const view = (place) => {
    const link = files[place];
    const sheet = document.createElement("dialog");
    sheet.className = "sheet viewer";
    sheet.setAttribute("aria-label", link.dataset.preview);
    const shown = document.createElement(link.querySelector("img") ? "img" : "iframe");
    shown.src = link.href;
    if (shown.tagName === "IMG") shown.alt = link.dataset.preview; else shown.title = link.dataset.preview;
    const bar = document.createElement("div");
    bar.className = "viewer-bar";
    const name = document.createElement("strong");
    name.textContent = link.dataset.preview;
    bar.append(name);
    const words = document.body.dataset;
    [[words.previous, "‹", place - 1], [words.next, "›", place + 1], [words.closeWord, "×", null]].forEach(([label, sign, to]) => {
      if (to !== null && !files[to]) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-sm";
      button.textContent = sign;
      button.setAttribute("aria-label", label);
      button.addEventListener("click", () => { sheet.close(); if (to !== null) view(to); });
      bar.append(button);
    });
    sheet.append(bar, shown);
    sheet.addEventListener("close", () => { sheet.remove(); link.focus(); });
    sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
    document.body.append(sheet);
    sheet.showModal();
  };
  files.forEach((link, place) => link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    view(place);
  }));
})();
