// The order as a strip of places with the letters on them: drag a letter, or a response by its grip, onto a place (a
// tie where it is taken), onto its edge (between two places), or off. Or tap a letter, then a place.
import { draggable } from "./drag.js";
import { box, give, insert, isMarked, isUnusable, letter, place, responses, tiesAllowed } from "./ranking.js";

const EDGE = 0.28; // of a place's width
let picked = null;

const strip = () => document.querySelector("#answer #strip");
const named = (name) => responses().find((one) => letter(one) === name);
const source = (element) => named(element.dataset.drag);

function make(className, text = "") {
  return Object.assign(document.createElement("span"), { className, textContent: text });
}

function chip(one) {
  const made = make("chip", letter(one));
  made.dataset.drag = letter(one);
  made.toggleAttribute("data-picked", one === picked);
  return made;
}

function spot(to, title, some) {
  const made = make(`spot ${Number(to) > 0 ? "numbered" : "aside"}`);
  made.dataset.to = to;
  made.append(make("spot-name", title), ...some.map(chip));
  return made;
}

export function drawStrip() {
  const here = strip();
  if (!here) return;
  const all = responses();
  const words = document.getElementById("order").dataset;
  if (!picked?.isConnected) picked = null;
  const places = all.map((_, at) => spot(at + 1, at + 1, all.filter((one) => place(one) === at + 1)));
  const open = spot(0, words.open, all.filter((one) => !isMarked(one)));
  const unusable = box(all[0]) ? [spot(-1, words.unusable, all.filter(isUnusable))] : [];
  here.replaceChildren(open, ...places, ...unusable);
  here.hidden = false;
}

// Where on a place the pointer is: on it, or at one of its edges, that is between two places.
function aim(one, under, event) {
  const found = under?.closest?.("#strip .spot");
  if (!found) return null;
  const to = Number(found.dataset.to);
  const taken = to > 0 && responses().some((other) => other !== one && place(other) === to);
  if (!taken) return { found, to, at: "on" };
  const { left, width } = found.getBoundingClientRect();
  const along = (event.clientX - left) / width;
  const share = document.dir === "rtl" ? 1 - along : along;
  const edge = tiesAllowed() ? EDGE : 0.5;
  return { found, to, at: share < edge ? "before" : share >= 1 - edge ? "after" : "on" };
}

function go(one, { to, at }) {
  picked = null;
  if (at === "on") give(one, to);
  else insert(one, at === "before" ? to - 1 : to);
}

const unmark = () => document.querySelectorAll("#strip [data-over]").forEach((one) => one.removeAttribute("data-over"));

draggable("#answer [data-drag]", {
  words: (element) => element.dataset.drag,
  over(element, under, event) {
    const aimed = aim(source(element), under, event);
    unmark();
    if (aimed) aimed.found.dataset.over = aimed.at;
  },
  drop(element, under, event) {
    const one = source(element);
    const aimed = aim(one, under, event);
    if (aimed) go(one, aimed);
  },
  tap(element) {
    const one = source(element);
    const onto = picked && picked !== one && element.closest(".spot.numbered");
    if (onto) return go(picked, { to: Number(onto.dataset.to), at: tiesAllowed() ? "on" : "before" });
    picked = picked === one ? null : one;
    drawStrip();
  },
  leave: unmark,
});

document.addEventListener("click", (event) => {
  const found = event.target.closest?.("#answer #strip .spot");
  if (!found || !picked || event.target.closest("[data-drag]")) return;
  go(picked, { to: Number(found.dataset.to), at: "on" });
});
