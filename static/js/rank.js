// Ranking by keys and single clicks: presses the radios and boxes, and tells of it. Dragging is in strip.js.
import { keyOf } from "./plain-key.js";
import { improveBest } from "./improve.js";
import { box, give, isMarked, isUnusable, letter, place, put, radios, responses, shift, snapshot } from "./ranking.js";
import { drawStrip } from "./strip.js";

const ALONG = { ArrowRight: 1, ArrowLeft: -1 };
const BETTER = { "[": -1, "]": 1 };
const LIFT = { ArrowUp: -1, ArrowDown: 1 };
const MOST_UNDONE = 100;
let placed = []; // responses in the order in which they got a mark, for = and Backspace
let before = []; // what there was before each act, for undo
let known = new Map();
let undoing = false;

const order = () => document.querySelector("#answer #order");

function current() {
  return document.activeElement.closest(".response[data-letter]") ?? responses().find((one) => !isMarked(one));
}

function draw() {
  const all = responses();
  if (!all.length) return;
  const here = current();
  for (const one of all) {
    one.toggleAttribute("data-current", one === here);
    one.querySelector(".place").textContent = place(one) || (isUnusable(one) ? "✕" : "");
  }
}

function drawOrder() {
  const all = responses();
  const { dataset } = order();
  const ranked = all.filter(place).sort((one, other) => place(one) - place(other));
  const joint = (one, at) => (at === 0 ? "" : place(ranked[at - 1]) === place(one) ? " = " : " > ");
  const line = ranked.map((one, at) => joint(one, at) + letter(one)).join("");
  const aside = [[dataset.unusable, all.filter(isUnusable)], [dataset.open, all.filter((one) => !isMarked(one))]]
    .filter(([, some]) => some.length)
    .map(([word, some]) => `${word}: ${some.map(letter).join(" ")}`);
  const isEmpty = !ranked.length && aside.length === 1 && !all.some(isUnusable);
  order().textContent = isEmpty ? dataset.none : [line, ...aside].filter(Boolean).join(" · ");
  drawStrip();
}

function told(one) {
  const { dataset } = order();
  const words = place(one) ? dataset.placed : isUnusable(one) ? dataset.marked : dataset.cleared;
  const tied = responses().filter((other) => other !== one && place(one) && place(other) === place(one)).map(letter);
  const text = words.replace("{letter}", letter(one)).replace("{place}", place(one)).replace("{count}", responses().length);
  return tied.length ? `${text}, ${dataset.tied.replace("{letters}", tied.join(", "))}` : text;
}

function changed(one) {
  if (undoing) before.pop();
  else before = [...before, known].slice(-MOST_UNDONE);
  known = snapshot();
  placed = placed.filter((other) => other !== one && isMarked(other));
  if (isMarked(one)) placed.push(one);
  draw();
  drawOrder();
  document.getElementById("said").textContent = undoing ? order().dataset.undone.replace("{what}", told(one)) : told(one);
}

function undo() {
  const last = before.at(-1);
  const one = last && responses().find((other) => last.get(other) !== known.get(other));
  if (!one) return;
  undoing = true;
  put(last, one);
  undoing = false;
}

function goOn(one) {
  const all = responses();
  const at = all.indexOf(one);
  const next = [...all.slice(at + 1), ...all.slice(0, at)].find((other) => !isMarked(other));
  (next ?? one).focus();
}

function giveAndGoOn(one, number) {
  if (number > radios(one).length) return;
  if (place(one) !== number) give(one, number);
  goOn(one);
}

function takeBack(one) {
  const last = isMarked(one) ? one : placed.at(-1);
  if (!last) return;
  give(last, 0);
  last.focus();
}

function move(one, step) {
  const all = responses();
  const at = all.indexOf(one) + (one.contains(document.activeElement) ? step : 0);
  all[Math.min(Math.max(at, 0), all.length - 1)].focus();
}

function lift(one, step) {
  shift(one, step);
  one.focus();
}

const along = (key) => ALONG[key] && ALONG[key] * (document.dir === "rtl" ? -1 : 1);

document.addEventListener("keydown", (event) => {
  const key = responses().length ? keyOf(event) : null;
  if (!key) return;
  const one = current() ?? responses()[0];
  const step = BETTER[key] ?? (event.shiftKey && LIFT[key]);
  const tie = placed.findLast((other) => other !== one);
  if (step) lift(one, step);
  else if (event.repeat) return;
  else if (/^[1-9]$/.test(key)) giveAndGoOn(one, Number(key));
  else if (key === "=" && tie && place(tie)) giveAndGoOn(one, place(tie));
  else if (key === "u" && box(one)) (give(one, isUnusable(one) ? 0 : -1), goOn(one));
  else if (key === "Backspace") takeBack(one);
  else if (key === "Escape" && event.target.closest("[data-question]")) one.focus();
  else if (along(key) && (event.target.type !== "radio" || event.key !== key)) move(one, along(key));
  else return;
  event.preventDefault();
});

// Undo needs its modifier, so it is no single key; in a text field it is the field's own.
document.addEventListener("keydown", (event) => {
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  if (!order() || event.target.closest?.("textarea, select, input:not([type=radio], [type=checkbox])")) return;
  if (document.querySelector(":popover-open")) return;
  event.preventDefault();
  undo();
});

// A place and "unusable" exclude each other; the last one given counts.
document.addEventListener("change", (event) => {
  const one = event.target.closest?.(".places")?.closest("#answer .response[data-letter]");
  if (!one) return;
  const { checked, type, name } = event.target;
  if (event.isTrusted && checked && type === "radio" && box(one)) box(one).checked = false;
  if (event.isTrusted && checked && name === "unusable") for (const radio of radios(one)) radio.checked = false;
  changed(one);
});

// A click on the place a response has takes it back.
let had = null;
document.addEventListener("pointerdown", (event) => {
  const radio = event.target.closest(".places .choice")?.querySelector("[type=radio]");
  had = radio?.checked ? radio : null;
});
document.addEventListener("click", (event) => {
  if (event.target === had && event.detail > 0) give(had.closest(".response"), 0);
  had = null;
});

function shown() {
  if (!order()) return;
  placed = responses().filter(isMarked);
  before = [];
  known = snapshot();
  draw();
  drawOrder();
}

improveBest(() => {
  const ranked = responses().filter(place);
  const best = ranked.filter((one) => place(one) === Math.min(...ranked.map(place)));
  return best.sort((one) => (one.contains(document.activeElement) ? -1 : 1)).map(letter);
});
document.addEventListener("focusin", draw);
document.addEventListener("focusout", () => setTimeout(draw));
document.addEventListener("panel:shown", shown);
shown();
