// What `make setup` keeps of Tabler: the rules whose names stand in a template, a script or the Python that writes
// markup. A name made of parts ("tone-" + state) is not found, so such names are portal.css' own.
module.exports = {
  css: ["node_modules/@tabler/core/dist/css/tabler.min.css"],
  content: ["app/templates/**/*.html", "app/static/*.js", "app/**/*.py"],
  // The theme's attribute is set on the page by whoever chooses it, its value is no class.
  safelist: { greedy: [/data-bs-theme/] },
  keyframes: true,
  fontFace: true,
};
