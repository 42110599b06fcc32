// Steps: `b` goes to the better text of the current step; where the queue stops at the first error, later steps rest.
import { keyOf } from "./plain-key.js";
import { go, isAnswered, mark } from "./questions.js";

const list = () => document.querySelector("#answer .steps");
const questions = () => [...document.querySelectorAll("#answer .steps [data-question]")];
const wrong = (one) => one.querySelector("input[value='-1']").checked;

// After the first wrong step nothing is asked; answers given there before wait, in case the error is taken back.
function rest() {
  if (!list()) return;
  const all = questions();
  const first = "stops" in list().dataset ? all.findIndex(wrong) : -1;
  for (const [at, one] of all.entries()) {
    one.disabled = first >= 0 && at > first;
    one.closest(".step").classList.toggle("resting", one.disabled);
    one.toggleAttribute("data-has-error", wrong(one));
  }
}

document.addEventListener("change", (event) => {
  if (!event.target.closest?.("#answer .steps")) return;
  rest();
  mark();
});

document.addEventListener("keydown", (event) => {
  if (event.repeat || !list() || keyOf(event) !== "b") return;
  const here = document.activeElement.closest(".step")?.querySelector("[data-question]");
  const one = here && wrong(here) ? here : questions().findLast((other) => !other.disabled && isAnswered(other) && wrong(other));
  const field = one?.querySelector("textarea");
  if (!field) return;
  event.preventDefault();
  go(one);
  field.focus();
});

document.addEventListener("panel:shown", rest);
rest();
