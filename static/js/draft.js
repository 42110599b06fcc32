// Keeps what is being entered on the server, a second after the last change; that renews the lease, too.
import { renewToken } from "./token.js";

const PAUSE = 1000;
const AGAIN = 5000;
const WHILE_READING = 60_000;
let timer;
let secondsKept = 0;

const answer = () => document.querySelector("#answer[data-draft]");
let shown = answer();
const seconds = (form) => Number(form.elements.active_seconds.value);

function tell(form, text, bad = false) {
  const line = form.querySelector("#saved");
  line.textContent = text;
  line.classList.toggle("bad", bad);
}

function later(form, wait) {
  clearTimeout(timer);
  timer = setTimeout(save, wait, form);
}

function send(form) {
  const body = new URLSearchParams(new FormData(form));
  const keepalive = document.hidden && body.toString().length < 60_000; // browsers keep only small ones alive
  return fetch(form.dataset.draft, { method: "POST", body, keepalive, headers: { "HX-Request": "true" } });
}

async function save(form) {
  timer = undefined;
  if (!form.isConnected) return;
  try {
    let response = await send(form);
    if (response.status === 403 && (await renewToken()) === 200) response = await send(form);
    if (form.isConnected) await kept(form, response);
  } catch {
    unkept(form, form.querySelector("#saved").dataset.unsaved);
    later(form, AGAIN);
  }
}

async function kept(form, response) {
  const words = form.querySelector("#saved").dataset;
  if (response.ok) {
    secondsKept = seconds(form);
    const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    tell(form, words.saved.replace("{time}", time));
  } else if (response.status === 409) {
    unkept(form, (await response.json()).message);
  } else {
    unkept(form, document.getElementById("trouble").dataset[response.status] ?? words.unsaved);
    if (response.status >= 500) later(form, AGAIN);
  }
}

function unkept(form, text) {
  if (form.isConnected) tell(form, text, true);
}

function changed(event) {
  const form = answer();
  if (form && event.target.form === form) later(form, PAUSE);
}

function flush() {
  const form = answer();
  if (form && timer !== undefined) later(form, 0);
}

document.addEventListener("input", changed);
document.addEventListener("change", changed);
document.addEventListener("visibilitychange", () => {
  if (document.hidden && timer !== undefined) {
    clearTimeout(timer);
    save(answer());
  }
});
document.addEventListener("submit", (event) => {
  if (event.target.id === "answer") clearTimeout(timer);
  else flush();
});
for (const name of ["htmx:after:swap", "htmx:error"]) {
  document.addEventListener(name, () => {
    const form = answer();
    if (form && form === shown) return later(form, PAUSE); // handing in failed: keep what was to be handed in
    clearTimeout(timer);
    timer = undefined;
    secondsKept = 0;
    shown = form;
  });
}
setInterval(() => {
  const form = answer();
  if (form && timer === undefined && seconds(form) - secondsKept > WHILE_READING / 2000) later(form, 0);
}, WHILE_READING);
