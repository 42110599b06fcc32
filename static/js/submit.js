// Enter submits, Ctrl+Enter also while writing. The second half of a double click never submits the next task.
const SETTLE = 500;
let arrived = -SETTLE;
let touched = true;
let shown = document.getElementById("answer");

const BUSY = "a, button, input, textarea, select, summary";

function meant(event) {
  if (event.ctrlKey || event.metaKey) return event.target.closest?.("form") ?? document.getElementById("answer");
  if (event.altKey || event.shiftKey || event.target.closest?.(BUSY)) return null;
  return document.querySelector(":popover-open") ? null : document.getElementById("answer");
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.repeat || event.isComposing || event.defaultPrevented) return;
  const form = meant(event);
  const button = form?.querySelector("button:not([type=button]):enabled");
  if (!button) return;
  event.preventDefault();
  form.requestSubmit(button);
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "answer" || touched || performance.now() - arrived > SETTLE) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

for (const name of ["input", "change"]) document.addEventListener(name, () => (touched = true), true);

document.addEventListener("htmx:after:swap", () => {
  const form = document.getElementById("answer");
  if (form === shown) return; // the request failed, and the task stayed
  shown = form;
  arrived = performance.now();
  touched = false;
});
