"use strict";

/* Draws the figure of a chart page out of the page's own table, which says the same without this file. */

const box = document.querySelector("[data-chart]");
const TONES = { accent: "--accent", late: "--late", soon: "--soon", done: "--done", progress: "--progress", calm: "--muted" };
const NARROW = 600;
const FEW = 3;
const ROW = 32;
const COLUMN_HEIGHT = 320;
const LABEL_SHARE = 0.32;
const CALM = 0.6;

const bars = box ? [...document.querySelectorAll("[data-bars] tbody tr")].map((row) => ({
  label: row.querySelector("th").textContent.trim(),
  words: row.querySelector(".measured span").textContent.trim(),
  value: row.dataset.value === "" ? null : Number(row.dataset.value),
  tone: row.dataset.tone,
  href: row.querySelector("th a")?.href,
})) : [];

/* Months stand side by side where there is room for them and more than a few; everything else lies in rows, so that
   names can be read. */
const isUpright = () => box.dataset.chart === "months" && bars.length > FEW && box.parentElement.clientWidth >= NARROW;

const options = () => {
  const sheet = getComputedStyle(document.documentElement);
  const colour = (name) => sheet.getPropertyValue(name).trim();
  const text = { color: colour("--muted"), fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 };
  const upright = isUpright();
  const room = Math.round(box.clientWidth * LABEL_SHARE);
  const names = {
    type: "category", data: bars.map((bar) => bar.label), inverse: !upright, axisTick: { show: false },
    axisLine: { lineStyle: { color: colour("--line") } },
    axisLabel: { ...text, ...(upright ? { hideOverlap: true } : { interval: 0, width: room, overflow: "truncate" }) },
  };
  const values = {
    type: "value", axisLabel: { ...text, show: upright }, splitLine: { show: upright, lineStyle: { color: colour("--line") } },
    minInterval: bars.every((bar) => Number.isInteger(bar.value)) ? 1 : 0,
  };
  return {
    animation: false, textStyle: text,
    grid: upright ? { left: 8, right: 8, top: 24, bottom: 0, containLabel: true } : { left: 0, right: 76, top: 0, bottom: 0, containLabel: true },
    xAxis: upright ? names : values, yAxis: upright ? values : names,
    series: [{
      type: "bar", barMaxWidth: upright ? 40 : 18, cursor: "default",
      label: { show: !upright || bars.length <= 14, position: upright ? "top" : "right", ...text, color: colour("--ink"), opacity: 1, formatter: (one) => bars[one.dataIndex].words },
      emphasis: { disabled: true },
      data: bars.map((bar) => ({ value: bar.value ?? "-", itemStyle: { color: colour(TONES[bar.tone]), opacity: bar.tone === "calm" ? CALM : 1, borderRadius: upright ? [3, 3, 0, 0] : [0, 3, 3, 0] } })),
    }],
  };
};

if (bars.length) {
  box.hidden = false;
  document.querySelector("[data-bars]").classList.add("is-drawn");
  const height = () => { box.style.height = `${isUpright() ? COLUMN_HEIGHT : bars.length * ROW + 8}px`; };
  height();
  const chart = echarts.init(box, null, { renderer: "canvas", locale: document.documentElement.lang.startsWith("zh") ? "ZH" : "EN" });
  const draw = () => { height(); chart.resize(); chart.setOption(options(), true); };
  draw();
  new ResizeObserver(draw).observe(box.parentElement);
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });

  /* A bar of one record beside one of thousands is too small to hit: its whole row, name included, leads to its records. */
  const under = (event) => {
    const [axis, at] = isUpright() ? ["xAxisIndex", event.offsetX] : ["yAxisIndex", event.offsetY];
    return bars[chart.convertFromPixel({ [axis]: 0 }, at)];
  };
  chart.getZr().on("mousemove", (event) => chart.getZr().setCursorStyle(under(event)?.href ? "pointer" : "default"));
  chart.getZr().on("click", (event) => { const href = under(event)?.href; if (href) window.location.assign(href); });
}
