// Verdicts by keys: a key presses what carries it in `data-press`; of several answers side by side, that of the one
// chosen by its number or by arrows, which reach those beyond nine too. What needs a reason asks for it first; Ctrl+Enter then sends it.
import { keyOf, moved } from "./plain-key.js";

const current = () => document.querySelector("[data-column][data-current]");

function choose(column) {
  current()?.removeAttribute("data-current");
  column.setAttribute("data-current", "");
  column.focus({ preventScroll: true });
  column.scrollIntoView({ block: "nearest" });
}

// The answer that a key goes to: its number, or the next one to that side.
function goal(key) {
  const columns = [...document.querySelectorAll("[data-column]")];
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (!step) return columns.find((column) => column.dataset.column === key);
  const on = getComputedStyle(document.body).direction === "rtl" ? -step : step;
  const at = columns.indexOf(current());
  return at < 0 ? columns.at(on > 0 ? 0 : -1) : columns[at + on];
}

function carrier(key) {
  const within = current() ?? (document.querySelector("[data-column]") ? null : document);
  return within?.querySelector(`[data-press="${CSS.escape(key)}"]`);
}

document.addEventListener("keydown", (event) => {
  const key = event.repeat ? null : keyOf(event);
  const column = key && goal(key);
  const found = key && (column ?? carrier(key));
  if (!found) return;
  event.preventDefault();
  if (column) choose(column);
  else found.click();
});

// A verdict that says why: without a reason it waits for one.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-needs-reason]");
  if (!button) return;
  const reason = button.form.elements.reason;
  for (const other of button.form.querySelectorAll("[data-chosen]")) other.removeAttribute("data-chosen");
  button.setAttribute("data-chosen", "");
  if (reason.value.trim()) return;
  event.preventDefault();
  reason.focus();
});

function sent(form) {
  if ("fix" in form.dataset) return form.querySelector("button.submit");
  return form.querySelector("[data-chosen]");
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.("textarea")) event.target.blur();
  if (event.key !== "Enter" || event.repeat || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest?.("[data-verdicts]") ?? document.querySelector("[data-fix]");
  const button = form && sent(form);
  if (!button) return;
  event.preventDefault();
  form.requestSubmit(button);
});

// A second press while the first is on its way would answer for the next label.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

for (const kbd of document.querySelectorAll("[data-press] kbd")) kbd.textContent = moved.get(kbd.textContent) ?? kbd.textContent;
