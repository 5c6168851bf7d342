"use strict";

/* Runs before anything is drawn: a page that follows the device must not flash in the other theme. */
(() => {
  const page = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { if (page.dataset.theme === "auto") page.dataset.bsTheme = dark.matches ? "dark" : "light"; };
  dark.addEventListener("change", follow);
  follow();
})();
