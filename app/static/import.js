"use strict";

/* Shows how far a running import is; without this file the page has a link that does the same. */

const card = document.querySelector("[data-progress]");
const bar = card.querySelector("progress");
const done = card.querySelector("[data-done]");

const look = async () => {
  const answer = await fetch(card.dataset.progress, { headers: { Accept: "application/json" } }).catch(() => null);
  const state = answer && answer.ok ? await answer.json() : { busy: true };
  if (!state.busy) { window.location.reload(); return; }
  if (state.done !== undefined) {
    done.textContent = state.done;
    if (state.total) bar.value = state.done;
  }
  setTimeout(look, 1500);
};
setTimeout(look, 1500);
