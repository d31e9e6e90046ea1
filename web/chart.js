/* SPDX-License-Identifier: MIT */
/*
 * The memory chart of one process: five lines and the events as vertical lines. One Chart.js chart
 * for as long as the view lives; every update replaces its arrays, never the chart.
 */
import { axisTime, bytes, fullTime } from "./format.js";
import { themeColour } from "./theme.js";
import { EVENTS, wordFor } from "./words.js";

/*
 * Okabe-Ito colours (through the style sheet, lighter where the ground is dark) plus a dash and a
 * marker each, so that no line is told by its colour alone.
 */
export const LINES = [
  { metric: "rss", label: "RSS", colour: "--line-rss", dash: [], marker: "circle" },
  { metric: "pss", label: "PSS", colour: "--line-pss", dash: [7, 3], marker: "rect" },
  { metric: "uss", label: "USS", colour: "--line-uss", dash: [2, 3], marker: "triangle" },
  { metric: "heap.used", label: "heap used", colour: "--line-heap-used", dash: [10, 3, 2, 3],
    marker: "rectRot" },
  { metric: "heap.free", label: "heap free", colour: "--line-heap-free", dash: [4, 4],
    marker: "crossRot" },
];

const EVENT_DASHES = { solid: [], dashed: [5, 4], dotted: [1, 3] };
/* A label wider than the room to its neighbour is left out; the list below the chart has it. */
const LABEL_LEAST_SHARE = 0.09;
/* A marker on each point would hide the line; one in this many tells the lines apart. */
const MARKERS_PER_LINE = 8;

/* {metric: points} from an answer of /series; heap.free and heap_free_bytes are the same. */
export function pointsByMetric(answer) {
  const plain = (name) => name.replaceAll(".", "_").replace(/_bytes$/, "");
  const byName = new Map((answer?.series ?? []).map((line) => [plain(line.metric), line.points]));
  return new Map(LINES.map(({ metric }) => [metric, byName.get(plain(metric)) ?? []]));
}

export class SeriesChart {
  #chart;
  #range = { from: 0, to: 1 };

  constructor(canvas) {
    const reader = this;
    this.#chart = new globalThis.Chart(canvas, {
      type: "line",
      data: { datasets: LINES.map(datasetOf) },
      options: {
        animation: false, parsing: false, normalized: true, spanGaps: false,
        responsive: true, maintainAspectRatio: false,
        interaction: { mode: "nearest", axis: "x", intersect: false },
        layout: { padding: { top: 18 } },
        scales: {
          x: { type: "linear", min: 0, max: 1, ticks: { maxRotation: 0, autoSkipPadding: 24,
            callback: (value) => axisTime(value, reader.rangeSeconds) } },
          y: { beginAtZero: true, afterBuildTicks: useBinarySteps,
            ticks: { callback: (value) => bytes(value) } },
        },
        plugins: {
          legend: { display: false },
          tooltip: { animation: false, usePointStyle: true, boxPadding: 4, callbacks: {
            title: ([first]) => (first ? fullTime(first.parsed.x) : ""),
            label: ({ dataset, parsed }) => `${dataset.label}  ${bytes(parsed.y)}` } },
          annotation: { animations: false, annotations: {} },
        },
      },
    });
    this.paint();
  }

  get rangeSeconds() {
    return (this.#range.to - this.#range.from) / 1000;
  }

  /* points: Map from pointsByMetric(); range in milliseconds; events inside it. */
  show(points, events, range) {
    this.#range = range;
    const { data, options } = this.#chart;
    data.datasets.forEach((dataset) => {
      dataset.data = (points.get(dataset.metric) ?? []).map(([x, y]) => ({ x, y: y ?? NaN }));
    });
    Object.assign(options.scales.x, { min: range.from, max: range.to });
    options.plugins.annotation.annotations = annotationsOf(events, range);
    this.#chart.update("none");
  }

  toggle(index) {
    this.#chart.setDatasetVisibility(index, !this.#chart.isDatasetVisible(index));
    this.#chart.update("none");
    return this.#chart.isDatasetVisible(index);
  }

  /* Takes the colours of the theme. */
  paint() {
    const { data, options } = this.#chart;
    data.datasets.forEach((dataset, index) => {
      dataset.borderColor = dataset.pointBorderColor = themeColour(LINES[index].colour);
      dataset.pointBackgroundColor = dataset.borderColor;
    });
    for (const scale of Object.values(options.scales)) {
      scale.grid = { color: themeColour("--rule") };
      scale.border = { color: themeColour("--rule-strong") };
      scale.ticks.color = themeColour("--ink-soft");
      scale.ticks.font = { family: themeColour("--font") };
    }
    Object.assign(options.plugins.tooltip, {
      backgroundColor: themeColour("--panel"), borderColor: themeColour("--rule-strong"),
      borderWidth: 1, titleColor: themeColour("--ink"), bodyColor: themeColour("--ink"),
      titleFont: { family: themeColour("--font"), weight: 600 },
      bodyFont: { family: themeColour("--font") } });
    this.#chart.update("none");
  }

  destroy() {
    this.#chart.destroy();
  }
}

function datasetOf({ metric, label, dash, marker }) {
  const isMarked = ({ dataIndex, dataset }) =>
    dataIndex % Math.max(1, Math.ceil(dataset.data.length / MARKERS_PER_LINE)) === 0;
  return {
    metric, label, data: [], borderDash: dash, borderWidth: 1.75, pointStyle: marker,
    pointRadius: (context) => (isMarked(context) ? 3 : 0), pointHoverRadius: 4, pointHitRadius: 6,
  };
}

/* Ticks of 1, 2, 4, 8 … MiB: round in the unit they are written in. */
function useBinarySteps(axis) {
  const most = 6;
  const step = 2 ** Math.max(10, Math.ceil(Math.log2(Math.max(axis.max, 1) / most)));
  axis.ticks = [];
  for (let value = 0; value <= axis.max; value += step)
    axis.ticks.push({ value });
}

/* Events that have a line, oldest first, each with a label when there is room for one. */
function annotationsOf(events, { from, to }) {
  const drawn = events.filter((event) => wordFor(EVENTS, event.kind).line)
    .map((event) => ({ ...event, at: Date.parse(event.time) }))
    .sort((a, b) => a.at - b.at);
  const annotations = {};
  let labelEnd = -Infinity;
  for (const event of drawn) {
    const hasRoom = event.at - labelEnd >= LABEL_LEAST_SHARE * (to - from);
    annotations[`event${event.id}`] = annotationOf(event, hasRoom);
    if (hasRoom)
      labelEnd = event.at;
  }
  return annotations;
}

function annotationOf(event, hasRoom) {
  const { label, line } = wordFor(EVENTS, event.kind);
  const setLabel = (shown) => ({ element }) => {
    element.label.options.display = shown || hasRoom;
    return true;
  };
  return {
    type: "line", scaleID: "x", value: event.at, borderWidth: 1.25,
    borderDash: EVENT_DASHES[line],
    borderColor: themeColour(event.kind === "oom_kill" ? "--bad" : "--ink-soft"),
    label: { display: hasRoom, content: label, position: "start", yAdjust: -18,
      color: themeColour("--ink"), backgroundColor: themeColour("--panel"),
      font: { family: themeColour("--font"), size: 11, weight: 500 }, padding: 3 },
    enter: setLabel(true), leave: setLabel(false),
  };
}
