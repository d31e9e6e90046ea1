/* SPDX-License-Identifier: MIT */
/*
 * The memory chart of one process: five lines and the events as vertical lines. One Chart.js chart
 * for as long as the view lives; every update replaces its arrays, never the chart.
 */
import { axisBytes, axisTime, bytes, fullTime } from "./format.js";
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
/* Whose label stays where two would collide; kinds not named come last. */
const LABEL_ORDER = ["oom_kill", "pressure", "receipt", "exec", "exit", "deploy", "rule_fired"];
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
        layout: { padding: { top: 18, right: 28 } },
        scales: {
          x: { type: "linear", min: 0, max: 1, afterBuildTicks: useRoundTimes,
            ticks: { maxRotation: 0, autoSkipPadding: 20,
              callback: (value) => axisTime(value, reader.rangeSeconds) } },
          y: { beginAtZero: true, afterBuildTicks: useBinarySteps,
            ticks: { callback: axisBytes } },
        },
        plugins: {
          legend: { display: false },
          tooltip: { animation: false, usePointStyle: true, boxPadding: 4, callbacks: {
            title: ([first]) => (first ? fullTime(first.parsed.x) : ""),
            label: ({ dataset, parsed }) => `${dataset.label}  ${bytes(parsed.y)}` } },
          annotation: { animations: false, clip: false, annotations: {} },
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

  /* A short piece of the line, with its dash and marker, for the legend. */
  drawSwatch(canvas, index) {
    const { dash, marker, colour } = LINES[index];
    const pen = canvas.getContext("2d");
    const ratio = 2;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.strokeStyle = pen.fillStyle = themeColour(colour);
    pen.lineWidth = 2;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(0, 6);
    pen.lineTo(30, 6);
    pen.stroke();
    pen.setLineDash([]);
    const point = { pointStyle: marker, radius: 3, borderWidth: 2 };
    globalThis.Chart.helpers.drawPoint(pen, point, 15, 6);
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

/* Powers of two are round in the unit they are written in: 64 MiB, 128 MiB, … */
export function byteTicks(top) {
  const most = 6;
  const step = 2 ** Math.max(10, Math.ceil(Math.log2(Math.max(top, 1) / most)));
  return stepsBetween(0, top, step);
}

const TIME_STEPS = [30, 60, 300, 600, 1800, 3600, 7200, 14400, 28800, 86400]
  .map((seconds) => seconds * 1000);

/* Whole half minutes, minutes, hours of the reader's clock, at most eight of them. */
export function timeTicks(from, to, zoneOffset = new Date(to).getTimezoneOffset() * 60000) {
  const step = TIME_STEPS.find((candidate) => (to - from) / candidate <= 8) ?? TIME_STEPS.at(-1);
  const first = Math.ceil((from - zoneOffset) / step) * step + zoneOffset;
  return stepsBetween(first, to, step);
}

function stepsBetween(first, last, step) {
  const ticks = [];
  for (let value = first; value <= last; value += step)
    ticks.push(value);
  return ticks;
}

function useBinarySteps(axis) {
  axis.ticks = byteTicks(axis.max).map((value) => ({ value }));
}

function useRoundTimes(axis) {
  axis.ticks = timeTicks(axis.min, axis.max).map((value) => ({ value }));
}

/* Events that have a line; where labels would collide, the weightier event keeps its own. */
export function placeEvents(events, { from, to }) {
  const weight = ({ kind }) => LABEL_ORDER.indexOf(kind) >>> 0;
  const labelled = [];
  return events.filter((event) => wordFor(EVENTS, event.kind).line)
    .map((event) => ({ ...event, at: Date.parse(event.time) }))
    .filter(({ at }) => at >= from && at <= to)
    .sort((a, b) => weight(a) - weight(b) || b.at - a.at)
    .map((event) => {
      const hasRoom = labelled.every((at) =>
        Math.abs(event.at - at) >= LABEL_LEAST_SHARE * (to - from));
      if (hasRoom)
        labelled.push(event.at);
      return { ...event, hasRoom };
    });
}

function annotationsOf(events, range) {
  return Object.fromEntries(placeEvents(events, range).map((event) =>
    [`event${event.id}`, annotationOf(event, event.hasRoom)]));
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
