// Ranking by keys and single clicks. The radios and boxes hold the order; this only presses them and tells of it.
import { isPlainKey } from "./plain-key.js";

const ARROWS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
let placed = []; // responses in the order in which they got a mark, for = and Backspace

const responses = () => [...document.querySelectorAll("#answer .response[data-letter]")];
const radios = (one) => [...one.querySelectorAll("[type=radio]")];
const place = (one) => Number(radios(one).find((radio) => radio.checked)?.value ?? 0);
const box = (one) => one.querySelector("[name=unusable]");
const isMarked = (one) => place(one) > 0 || Boolean(box(one)?.checked);
const letter = (one) => one.dataset.letter;

function current() {
  return document.activeElement.closest(".response") ?? responses().find((one) => !isMarked(one));
}

function draw() {
  const all = responses();
  if (!all.length) return;
  const here = current();
  for (const one of all) {
    one.toggleAttribute("data-current", one === here);
    one.querySelector(".place").textContent = place(one) || (box(one)?.checked ? "✕" : "");
  }
  drawOrder(all);
}

function drawOrder(all) {
  const order = document.getElementById("order");
  const strong = (text) => Object.assign(document.createElement("b"), { textContent: text });
  const ranked = all.filter(place).sort((one, other) => place(one) - place(other));
  const parts = ranked.flatMap((one, at) => {
    if (at === 0) return [strong(letter(one))];
    return [place(ranked[at - 1]) === place(one) ? " = " : " > ", strong(letter(one))];
  });
  const rest = [
    [order.dataset.unusable, all.filter((one) => box(one)?.checked)],
    [order.dataset.open, all.filter((one) => !isMarked(one))],
  ].filter(([, some]) => some.length).map(([word, some]) => `${word}: ${some.map(letter).join(" ")}`);
  if (!ranked.length && rest.length === 1) order.textContent = order.dataset.none;
  else order.replaceChildren(...parts, ranked.length && rest.length ? "  ·  " : "", rest.join("  ·  "));
}

function say(one) {
  const { dataset } = document.getElementById("order");
  const words = place(one) ? dataset.placed : box(one)?.checked ? dataset.marked : dataset.cleared;
  const tied = responses().filter((other) => other !== one && place(one) && place(other) === place(one)).map(letter);
  const text = words.replace("{letter}", letter(one)).replace("{place}", place(one)).replace("{count}", responses().length);
  const more = tied.length ? `, ${dataset.tied.replace("{letters}", tied.join(", "))}` : "";
  document.getElementById("said").textContent = text + more;
}

function changed(one) {
  placed = placed.filter((other) => other !== one && other.isConnected);
  if (isMarked(one)) placed.push(one);
  draw();
  say(one);
}

function press(control, on = true) {
  if (control.checked === on) return;
  control.checked = on;
  control.dispatchEvent(new Event("change", { bubbles: true }));
}

function clear(one) {
  for (const control of [...radios(one), box(one)]) if (control?.checked) press(control, false);
}

function goOn(one) {
  const all = responses();
  const at = all.indexOf(one);
  const next = [...all.slice(at + 1), ...all.slice(0, at)].find((other) => !isMarked(other));
  (next ?? one).focus();
}

function give(one, number) {
  const radio = radios(one)[number - 1];
  if (!radio) return;
  press(radio);
  goOn(one);
}

function takeBack(one) {
  const last = isMarked(one) ? one : placed.at(-1);
  if (!last) return;
  clear(last);
  last.focus();
}

function move(one, step) {
  const all = responses();
  const at = all.indexOf(one) + (one.contains(document.activeElement) ? step : 0);
  all[Math.min(Math.max(at, 0), all.length - 1)].focus();
}

document.addEventListener("keydown", (event) => {
  const one = responses().length && isPlainKey(event) ? (current() ?? responses()[0]) : null;
  if (!one || event.repeat) return;
  const { key } = event;
  if (/^[1-9]$/.test(key)) give(one, Number(key));
  else if (key === "=" && placed.length) give(one, place(placed.at(-1)));
  else if (key === "u" && box(one)) (press(box(one), !box(one).checked), goOn(one));
  else if (key === "Backspace") takeBack(one);
  else if (ARROWS[key] && event.target.type !== "radio") move(one, ARROWS[key]);
  else return;
  event.preventDefault();
});

// A place and "unusable" exclude each other; the last one given counts.
document.addEventListener("change", (event) => {
  const one = event.target.closest(".response[data-letter]");
  if (!one) return;
  if (event.target.checked && event.target.type === "radio" && box(one)) box(one).checked = false;
  if (event.target.checked && event.target.name === "unusable") for (const radio of radios(one)) radio.checked = false;
  changed(one);
});

// A click on the place a response has takes it back.
let had = null;
document.addEventListener("pointerdown", (event) => {
  const radio = event.target.closest(".response .choice")?.querySelector("[type=radio]");
  had = radio?.checked ? radio : null;
});
document.addEventListener("click", (event) => {
  if (event.target === had && event.detail > 0) press(had, false);
  had = null;
});

document.addEventListener("focusin", draw);
document.addEventListener("focusout", () => setTimeout(draw));
document.addEventListener("htmx:after:swap", () => {
  placed = placed.filter((one) => one.isConnected);
  draw();
});
draw();
