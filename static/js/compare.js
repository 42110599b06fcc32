// Left and right move the choice one step along the row, towards A or towards B.
import { isPlainKey } from "./plain-key.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

function next(buttons, step) {
  const at = buttons.findIndex((one) => one.checked);
  if (at >= 0) return buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)];
  const sides = buttons.filter((one) => one.value !== "tie");
  return sides[sides.length / 2 - (step < 0 ? 1 : 0)];
}

document.addEventListener("keydown", (event) => {
  const scale = document.querySelector("#answer #scale");
  if (!scale || !STEPS[event.key] || event.target.type === "radio" || !isPlainKey(event)) return;
  event.preventDefault();
  const towards = document.dir === "rtl" ? -STEPS[event.key] : STEPS[event.key];
  next([...scale.querySelectorAll("input:not([value=both_bad])")], towards).click();
});
