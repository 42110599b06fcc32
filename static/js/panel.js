// Puts another panel in the place of the one on the page, and tells everybody: `panel:shown` on document.
import { token } from "./post.js";

let panel = document.getElementById("panel");

export const read = (html) => new DOMParser().parseFromString(html, "text/html");

export function say(words) {
  document.getElementById("said").textContent = words;
}

// html: an answer of the server; words: what to say instead of its own. False if there is no panel in it.
export function show(html, words) {
  const page = read(html);
  const fresh = page.getElementById("panel");
  if (!fresh) return false;
  for (const field of fresh.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token() || field.value;
  document.getElementById("panel").replaceWith(fresh);
  htmx.process(fresh);
  document.title = page.title;
  focus(fresh);
  say(words ?? page.querySelector("hx-partial")?.textContent ?? "");
  arrived();
  return true;
}

function focus(fresh) {
  const wanted = [...fresh.querySelectorAll("[autofocus]")].find((one) => !one.closest("dialog"));
  if (wanted?.matches("h1")) scrollTo(0, 0);
  wanted?.focus({ preventScroll: wanted.matches("h1") });
}

function arrived(first = false) {
  panel = document.getElementById("panel");
  document.dispatchEvent(new CustomEvent("panel:shown", { detail: { panel, first } }));
}

document.addEventListener("htmx:after:swap", () => {
  if (document.getElementById("panel") !== panel) arrived();
});
document.addEventListener("DOMContentLoaded", () => arrived(true)); // when every script listens
