// Questions of any kind of work, by keys: up and down (j, k) move, digits pick and go on, Backspace takes back.
// A question is [data-question]; [data-digit] and [data-pick] on an input name the keys that pick it there.
// Where the kind has keys of its own for digits ([data-own-digits]), a question takes keys only while it has the focus.
import { keyOf } from "./plain-key.js";

const STEPS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };
let picked = []; // questions in the order in which they were answered by keys

const all = () => [...document.querySelectorAll("#answer [data-question]")].filter((one) => !one.disabled);
const inputs = (one) => [...one.querySelectorAll("input:not([type=hidden])")];
export const isAnswered = (one) => inputs(one).some((input) => input.checked);
const ownDigits = () => document.querySelector("#answer [data-own-digits]");
const waits = (one) => "required" in one.dataset && !isAnswered(one);

function current() {
  const here = document.activeElement?.closest("#answer [data-question]");
  if (here) return here;
  if (ownDigits()) return null;
  const marked = document.querySelector("#answer [data-question][data-current]");
  return marked ?? all().find(waits) ?? all()[0] ?? null;
}

export function mark(one = current()) {
  for (const other of document.querySelectorAll("#answer [data-question][data-current]")) {
    if (other !== one) other.removeAttribute("data-current");
  }
  one?.setAttribute("data-current", "");
  count();
}

// How many are answered, where the kind's template has a place for it.
function count() {
  const place = document.querySelector("#answer [data-count-answered]");
  if (!place) return;
  const asked = all().filter((one) => "required" in one.dataset);
  const words = place.dataset.countAnswered;
  place.textContent = words.replace("{done}", asked.filter(isAnswered).length).replace("{count}", asked.length);
}

export function go(one) {
  one.focus({ preventScroll: true });
  one.scrollIntoView({ block: "nearest" });
  mark(one);
}

const plainText = (node) => {
  const copy = node.cloneNode(true);
  for (const key of copy.querySelectorAll("kbd")) key.remove();
  return copy.textContent.trim().replace(/\s+/g, " ");
};

function say(one, words) {
  const name = one.getAttribute("aria-label") ?? plainText(one.querySelector("legend"));
  document.getElementById("said").textContent = `${name}: ${words}`;
}

function set(input, on) {
  input.checked = on;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function goOn(one) {
  const list = all();
  const at = list.indexOf(one);
  const next = [...list.slice(at + 1), ...list.slice(0, at)].find(waits);
  go(next ?? one);
}

function pick(one, input) {
  const several = input.type === "checkbox";
  set(input, several ? !input.checked : true);
  if (!one.isConnected) return; // that submitted it: the next task is on the page, and has the focus
  picked = [...picked.filter((other) => other !== one && other.isConnected), one];
  say(one, input.checked ? plainText(input.closest("label")) : one.dataset.cleared);
  if (several) go(one);
  else goOn(one);
}

function takeBack(one) {
  const last = isAnswered(one) ? one : picked.findLast((other) => other.isConnected && isAnswered(other));
  if (!last) return;
  for (const input of inputs(last)) if (input.checked) set(input, false);
  picked = picked.filter((other) => other !== last);
  say(last, last.dataset.cleared);
  go(last);
}

function move(one, step) {
  const list = all();
  if (!list.length) return;
  const inside = one?.contains(document.activeElement);
  const at = one ? list.indexOf(one) + (inside ? step : 0) : step > 0 ? 0 : list.length - 1;
  go(list[Math.min(Math.max(at, 0), list.length - 1)]);
}

const picks = (input, key) => input.dataset.digit === key || input.dataset.pick?.split(" ").includes(key);

// Arrows are the radios' own while one has the focus, and scroll the page where there is but one question.
function moves(key, event, one) {
  if (!STEPS[key] || event.shiftKey) return false;
  if (!key.startsWith("Arrow")) return true;
  return one !== null && all().length > 1 && (event.target.type !== "radio" || event.key !== key);
}

document.addEventListener("keydown", (event) => {
  const key = document.querySelector("#answer [data-question]") ? keyOf(event) : null;
  if (!key || (event.repeat && !STEPS[key])) return;
  const one = current();
  const input = one && inputs(one).find((other) => !other.disabled && picks(other, key));
  if (input) pick(one, input);
  else if (moves(key, event, one)) move(one, STEPS[key]);
  else if (key === "Backspace" && one) takeBack(one);
  else return;
  event.preventDefault();
});

// The keys that a question shows once it is current must not move what is just being clicked.
let pressing = false;
document.addEventListener("pointerdown", () => (pressing = true), true);
for (const name of ["pointerup", "pointercancel"]) {
  document.addEventListener(name, () => setTimeout(() => {
    pressing = false;
    mark();
  }), true);
}
document.addEventListener("focusin", () => pressing || mark());
document.addEventListener("change", (event) => event.target.closest?.("#answer") && count());
document.addEventListener("panel:shown", () => {
  picked = [];
  mark();
});
mark();
