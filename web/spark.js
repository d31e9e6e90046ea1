/* SPDX-License-Identifier: MIT */
/*
 * Sparklines: the geometry (pure) and the drawing of it on one small canvas. A gap in the history
 * is a gap in the line.
 */
/*
 * The smallest vertical range, as a share of the largest value: a process that idles at 200 MiB
 * and moves by a few pages is drawn flat, not as a mountain range.
 */
const CALM_SHARE = 0.04;

/*
 * history: values, oldest first, null for a gap; capacity: how many fit across the whole width, so
 * that a young line grows from the right. Returns segments, each a list of [x, y] in pixels.
 */
export function sparkSegments(history, capacity, width, height) {
  const known = history.filter((value) => value !== null);
  if (known.length === 0 || capacity < 2)
    return [];
  const { low, high } = sparkRange(known);
  const inset = 2;
  const step = (width - 2 * inset) / (capacity - 1);
  const offset = capacity - history.length;
  const segments = [];
  let open = null;
  history.forEach((value, index) => {
    if (value === null) {
      open = null;
      return;
    }
    if (open === null)
      segments.push(open = []);
    const share = (value - low) / (high - low);
    open.push([inset + (offset + index) * step, height - inset - share * (height - 2 * inset)]);
  });
  return segments;
}

/* Calm ranges are widened around their middle. */
export function sparkRange(values) {
  let low = Math.min(...values);
  let high = Math.max(...values);
  const least = Math.max(high * CALM_SHARE, 1);
  if (high - low < least) {
    const middle = (low + high) / 2;
    low = middle - least / 2;
    high = middle + least / 2;
  }
  return { low, high };
}

export function drawSpark(canvas, history, capacity, colour) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (width === 0)
    return;
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = 1.25;
  pen.lineJoin = "round";
  const segments = sparkSegments(history, capacity, width, height);
  segments.forEach((points) => {
    pen.beginPath();
    points.forEach(([x, y], index) => (index === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
    pen.stroke();
  });
  const [x, y] = segments.at(-1)?.at(-1) ?? [];
  if (x !== undefined) {
    pen.beginPath();
    pen.arc(x, y, 1.75, 0, 2 * Math.PI);
    pen.fill();
  }
}
