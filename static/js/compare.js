// Left and right move the choice one step along the row, towards A or towards B. questions.js sees to the digits.
import { improveBest } from "./improve.js";
import { keyOf } from "./plain-key.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };
let byArrow = false;

const scale = () => document.querySelector("#answer #scale");
const asked = () => document.querySelector("#answer [data-question][data-current] .scale") ?? scale();

function next(buttons, step) {
  const at = buttons.findIndex((one) => one.checked);
  if (at >= 0) return buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)];
  const sides = buttons.filter((one) => one.value !== "tie");
  return sides[sides.length / 2 - (step < 0 ? 1 : 0)];
}

document.addEventListener("keydown", (event) => (byArrow = event.key.startsWith("Arrow")), true);
document.addEventListener("pointerdown", () => (byArrow = false), true);

document.addEventListener("keydown", (event) => {
  const key = scale() ? keyOf(event) : null;
  if (!STEPS[key] || (event.target.type === "radio" && event.key === key)) return;
  event.preventDefault();
  byArrow = true;
  const towards = document.dir === "rtl" ? -STEPS[key] : STEPS[key];
  next([...asked().querySelectorAll("input:not([value=both_bad])")], towards).click();
});

// Where a choice submits at once, going along the row by arrows does not: it passes by what is not meant.
document.addEventListener("change", (event) => {
  if (event.target.name !== "choice" || byArrow || !("atOnce" in (scale()?.dataset ?? {}))) return;
  const { form } = event.target;
  form.requestSubmit(form.querySelector("button.submit:enabled"));
});

improveBest(() => {
  const winner = scale()?.querySelector("input:checked")?.value ?? "";
  if (!winner) return [];
  return /^[ab]\d?$/.test(winner) ? [winner[0]] : ["a", "b"];
});
