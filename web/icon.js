/* SPDX-License-Identifier: MIT */
/* The icon of the tab: filled when all is well, hollow when paused, a square when it is bad. */
const SIZE = 32;

let shown = null;

export function showIcon(level) {
  if (shown === level)
    return;
  shown = level;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  pen.lineWidth = 5;
  pen.strokeStyle = pen.fillStyle = level === "bad" ? "#d55e00" : "#0072b2";
  pen.beginPath();
  if (level === "bad")
    pen.rect(5, 5, SIZE - 10, SIZE - 10);
  else
    pen.arc(SIZE / 2, SIZE / 2, SIZE / 2 - 5, 0, 2 * Math.PI);
  if (level === "watch")
    pen.stroke();
  else
    pen.fill();
  document.querySelector("link[rel=icon]").href = canvas.toDataURL("image/png");
}
