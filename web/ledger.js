/* SPDX-License-Identifier: MIT */
/*
 * Where every byte of a process is: one stacked bar with a part for each layer of its ledger, the
 * same as a table, and the verdict above. The daemon reads the process anew for each answer, so it
 * is asked once when the view opens, and again only by the button.
 */
import { readSlowly } from "./api.js";
import { el, keyed, setAttribute, setNote, setText } from "./dom.js";
import * as format from "./format.js";
import { onThemeChange, themeColour } from "./theme.js";

/* Colours of the style sheet; neighbours differ, and the table tells them without any. */
const LAYERS = {
  python_used: ["Python, in use", "--line-rss"],
  python_pinned: ["Python, pinned", "--line-heap-used"],
  python_free: ["Python, free", "--line-heap-free"],
  malloc_used: ["malloc, in use", "--line-uss"],
  malloc_free: ["malloc, free", "--line-pss"],
  heap: ["[heap]", "--fill-soft"],
  arenas: ["malloc arenas", "--watch"],
  large: ["large mappings", "--accent"],
  anon: ["other anonymous", "--idle"],
  stacks: ["stacks", "--bad"],
  file: ["files", "--ok"],
  shmem: ["shared memory", "--accent-hover"],
  unexplained: ["unexplained", "--rule-strong"],
};

/* The layers that hold something, in the daemon's order, which is that of the bar. */
export function partsOf(ledger) {
  const rss = ledger?.rss_bytes ?? 0;
  return (ledger?.layers ?? []).filter(({ bytes }) => bytes > 0).map(({ layer, bytes, what }) => {
    const [label, colour] = LAYERS[layer] ?? [layer, "--rule-strong"];
    return { layer, label, colour, bytes, what, share: rss > 0 ? bytes / rss : 0 };
  });
}

/* The bar in one sentence, for those who cannot see it. */
export function describeParts(parts) {
  const texts = parts.map(({ label, bytes }) => `${label} ${format.bytes(bytes)}`);
  return `Memory by layer: ${texts.join("; ") || "not known"}. A table follows.`;
}

export class LedgerPanel {
  #refs;
  #id;
  #chart = null;
  #parts = [];
  #gone = false;

  constructor(refs, id) {
    this.#refs = refs;
    this.#id = id;
    refs.ledgerAgain.addEventListener("click", () => this.load());
    this.endTheme = onThemeChange(() => this.#paint());
    this.load();
  }

  async load() {
    const { ledgerAgain, ledgerProblem } = this.#refs;
    ledgerAgain.disabled = true;
    try {
      const path = `/api/v1/processes/${this.#id}`;
      const [ledger, verdict] = await Promise.all(
        ["ledger", "verdict"].map((name) => readSlowly(`${path}/${name}`)));
      if (!this.#gone)
        this.#show(ledger.body, verdict.body);
      setNote(ledgerProblem, null);
    } catch (error) {
      setNote(ledgerProblem, error.message);
    } finally {
      ledgerAgain.disabled = false;
    }
  }

  destroy() {
    this.#gone = true;
    this.endTheme();
    this.#chart?.destroy();
  }

  #show(ledger, verdict) {
    const refs = this.#refs;
    this.#parts = partsOf(ledger);
    setText(refs.verdict, format.clean(verdict.sentence));
    setText(refs.verdictHint, `confidence: ${format.clean(verdict.confidence)}`);
    keyed(refs.verdictLines, verdict.evidence ?? [], (line) => line,
      (line) => el("li", {}, format.clean(line)));
    setNote(refs.verdictNext, verdict.next && `next: ${format.clean(verdict.next)}`);
    setNote(refs.ledgerMissing, ledger.missing && `Not closer: ${format.clean(ledger.missing)}`);
    this.#rows();
    setAttribute(refs.ledgerCanvas, "aria-label", describeParts(this.#parts));
    this.#chart ??= new globalThis.Chart(refs.ledgerCanvas, OPTIONS);
    this.#paint();
  }

  #rows() {
    keyed(this.#refs.ledgerRows, this.#parts, ({ layer }) => layer,
      ({ label, what, colour }) => {
        const swatch = el("span", { class: "layer-swatch", "aria-hidden": "true" });
        swatch.style.background = `var(${colour})`;
        return el("tr", {}, el("th", { scope: "row" }, swatch, label),
          el("td", { class: "number" }), el("td", { class: "number" }),
          el("td", {}, format.clean(what)));
      },
      (row, { bytes, share }) => {
        setText(row.children[1], format.bytes(bytes));
        setText(row.children[2], format.percent(100 * share, 0));
      });
  }

  #paint() {
    if (!this.#chart)
      return;
    this.#chart.data.datasets = this.#parts.map(({ label, bytes, colour }) => ({
      label, data: [bytes], stack: "all", borderWidth: { right: 2 }, borderSkipped: false,
      backgroundColor: themeColour(colour), borderColor: themeColour("--panel") }));
    const { x } = this.#chart.options.scales;
    x.max = this.#parts.reduce((sum, { bytes }) => sum + bytes, 0) || 1;
    Object.assign(this.#chart.options.plugins.tooltip, {
      backgroundColor: themeColour("--panel"), borderColor: themeColour("--rule-strong"),
      borderWidth: 1, titleColor: themeColour("--ink"), bodyColor: themeColour("--ink") });
    this.#chart.update("none");
  }
}

const OPTIONS = {
  type: "bar",
  data: { labels: [""], datasets: [] },
  options: {
    indexAxis: "y", animation: false, responsive: true, maintainAspectRatio: false,
    interaction: { mode: "nearest", intersect: true },
    scales: {
      x: { stacked: true, display: false, min: 0 },
      y: { stacked: true, display: false },
    },
    datasets: { bar: { barPercentage: 1, categoryPercentage: 1 } },
    plugins: {
      legend: { display: false },
      tooltip: { animation: false, callbacks: {
        title: () => "",
        label: ({ dataset, parsed }) => `${dataset.label}  ${format.bytes(parsed.x)}` } },
    },
  },
};
