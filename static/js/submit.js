// Enter submits, Ctrl+Enter also while writing. An answer goes into the outbox; if the next task is there already and the
// answer is whole, that one is shown at once. The second half of a double click never submits the next task.
import { held, put, take } from "./ahead.js";
import { tally } from "./clock.js";
import { entered, same } from "./copy.js";
import { flush, forgetCopy, handedIn } from "./draft.js";
import { notify } from "./notices.js";
import { add, drain, entries, saying, withdraw } from "./outbox.js";
import { read, show } from "./panel.js";
import { trouble } from "./trouble.js";

const SETTLE = 500;
const BUSY = "a, button, input, textarea, select, summary";
const DIALOG = ":popover-open, dialog:modal";
const words = document.getElementById("desk").dataset;
let arrived = -SETTLE;
let touched = true;
let waiting = null; // {key, whole, said}: the answer on the page, sent and not answered yet

const answer = () => document.getElementById("answer");
const placeShown = () => document.getElementById("panel").dataset.place ?? "";

function meant(event) {
  if (event.ctrlKey || event.metaKey) return event.target.closest?.("form") ?? answer();
  if (event.altKey || event.shiftKey || event.target.closest?.(BUSY)) return null;
  return document.querySelector(DIALOG) ? null : answer();
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
  if (event.target.id !== "answer") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!settling()) submit(event.target);
}, true);

const settling = () => !touched && performance.now() - arrived <= SETTLE;

// Its second half neither acts on the next task nor takes the focus from its heading.
for (const name of ["mousedown", "click"]) {
  document.addEventListener(name, (event) => {
    if (settling() && (event.detail > 1 || event.target.closest("#answer .submit"))) event.preventDefault();
  }, true);
}

// --- Handing in ------------------------------------------------------------------------------------------------------

function submit(form) {
  if (waiting) return drain(); // pressed again: try now
  tally();
  const entry = entryOf(form);
  const whole = isWhole(form);
  add(entry);
  handedIn(form);
  waiting = { key: entry.key, whole: whole && Boolean(entry.place), said: entered(form) };
  if (!goOn()) busy(form, true);
  drain();
}

function entryOf(form) {
  const body = new URLSearchParams(new FormData(form));
  if (form.dataset.version) body.set("base", form.dataset.version);
  const name = document.getElementById("task").textContent;
  const key = form.elements.key.value;
  return { key, url: form.action, body: String(body), place: placeShown(), name, copy: form.dataset.copy };
}

// Whether the answer is as whole as can be told here; whether it is right, the server says.
function isWhole(form) {
  const filled = (field) => field.value.trim() !== "";
  const long = ({ value, dataset }) => {
    const count = value.split(/\s+/).filter(Boolean).length;
    return count >= Number(dataset.leastWords ?? 0) && count <= Number(dataset.mostWords ?? Infinity);
  };
  const answered = (one) => [...one.querySelectorAll("input, textarea")].some((field) =>
    field.matches("[type=radio], [type=checkbox]") ? field.checked : field.type !== "hidden" && filled(field));
  return [...form.querySelectorAll("[data-required]")].every((one) => one.disabled || answered(one))
    && [...form.querySelectorAll("[required]:enabled")].every((field) => field.type === "radio" || filled(field))
    && [...form.querySelectorAll("textarea")].every(long)
    && form.checkValidity();
}

function goOn() {
  const next = waiting?.whole ? take() : null;
  if (!next) return false;
  waiting = null;
  return show(next, words.sent);
}

function busy(form, on) {
  const verb = form.querySelector(".submit .verb");
  document.getElementById("panel").setAttribute("aria-busy", on);
  verb.dataset.word ??= verb.textContent;
  verb.textContent = on ? verb.dataset.sending : verb.dataset.word;
}

// Each request says which places this page has got, so that it is given one more; the first of them is the next.
saying((entry) => {
  if (entry.orphan) return { alone: "1" };
  const others = entries().filter((one) => one.key !== entry.key).map((one) => one.place);
  const having = new Set([placeShown(), held(), ...others]);
  having.delete(entry.place);
  having.delete("");
  return { having: [...having].join(",") };
});

// --- What comes of it ------------------------------------------------------------------------------------------------

document.addEventListener("outbox:answered", ({ detail: { entry, status, text } }) => {
  const here = waiting?.key === entry.key;
  if (here) waiting = null;
  if (status < 300) {
    forgetCopy(entry.copy);
    if (here) arrive(entry, text);
    else if (!entry.orphan) put(text);
    goOn();
  } else if (here) refusedHere(status, text);
  else refused(entry, text);
});

// What is in store was asked for before this: it is the next, and what has come is the one after.
function arrive(entry, text) {
  const next = entry.place ? take() : null;
  show(next ?? text);
  if (next) put(text);
}

document.addEventListener("ahead:stored", goOn);

function refusedHere(status, text) {
  if (show(text)) return;
  busy(answer(), false);
  trouble(status);
}

function refused(entry, text) {
  const panel = read(text).getElementById("panel");
  const reason = panel?.querySelector(".notice.bad strong, .notice.warn strong, .errors li")?.textContent.trim();
  const said = reason ?? (panel ? words.refusedMissing : words.refusedGone);
  const act = [words.bringBack, async () => {
    await flush();
    waiting = null;
    show(text, "");
  }];
  const close = [words.close, () => {}];
  const line = words.refused.replace("{task}", entry.name).replace("{reason}", said);
  notify(`refused-${entry.key}`, line, { bad: true, stays: true, acts: panel ? [act, close] : [close], more: panel ? null : inWords(entry) });
}

// For a task that the server shows no more: what was entered, to copy.
function inWords(entry) {
  const own = new Set(["csrfmiddlewaretoken", "fence", "key", "active_seconds", "base"]);
  const lines = [...new URLSearchParams(entry.body)].filter(([name, value]) => !own.has(name) && value);
  const details = document.createElement("details");
  const text = lines.map(([name, value]) => `${name}: ${value}`).join("\n");
  details.append(
    Object.assign(document.createElement("summary"), { textContent: words.copied }),
    Object.assign(document.createElement("pre"), { className: "code", textContent: text }),
  );
  return details;
}

// Who goes on entering while the answer waits to be sent has not handed it in yet.
for (const name of ["input", "change"]) {
  document.addEventListener(name, (event) => {
    touched = true;
    const form = answer();
    if (!waiting || event.target.form !== form || same(waiting.said, entered(form)) || !withdraw(waiting.key)) return;
    waiting = null;
    busy(form, false);
  }, true);
}

document.addEventListener("panel:shown", ({ detail }) => {
  waiting = null;
  if (detail.first) return;
  arrived = performance.now();
  touched = false;
});
