// A copy of what is being entered, in this browser: for when the tab dies before the server has it.
// {fields, fence, base, url, at, saved, sent}: `base` is the draft's version it was made from, `saved` whether the server
// has it, `sent` what was on its way when last heard of.
import { forget, keep, kept } from "./stored.js";

const OWN = new Set(["csrfmiddlewaretoken", "fence", "key", "active_seconds"]);
const nameOf = (form) => `copy:${form.dataset.copy}`;

// What somebody entered: [name, value] pairs.
export const entered = (form) => [...new FormData(form)].filter(([name]) => !OWN.has(name));

export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export const copyOf = (form) => kept(nameOf(form));

export function keepCopy(form, facts) {
  const seconds = form.elements.active_seconds.value;
  const { fence } = form.elements;
  const url = form.dataset.draft ?? "";
  keep(nameOf(form), { fields: entered(form), fence: fence.value, url, seconds, at: Date.now(), ...facts });
}

export function change(form, facts) {
  const copy = copyOf(form);
  if (copy) keep(nameOf(form), { ...copy, ...facts });
}

export const forgetCopy = (name) => forget(`copy:${name}`);

// Puts a copy into the form, as if it were entered again.
export function putBack(form, copy) {
  const given = new Map();
  for (const [name, value] of copy.fields) given.set(name, [...(given.get(name) ?? []), value]);
  for (const field of form.elements) {
    if (!field.name || OWN.has(field.name) || field.type === "hidden") continue;
    if (field.matches("[type=radio], [type=checkbox]")) tick(field, (given.get(field.name) ?? []).includes(field.value));
    else if (field.matches("input, textarea, select")) write(field, (given.get(field.name) ?? [""]).shift() ?? "");
  }
  const seconds = form.elements.active_seconds;
  seconds.value = Math.max(Number(seconds.value), Number(copy.seconds ?? 0));
}

function tick(field, on) {
  if (field.checked === on) return;
  field.checked = on;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function write(field, value) {
  if (field.value === value) return;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export const at = (time) =>
  new Date(time).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
