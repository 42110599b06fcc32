// Keeps what is being entered: in this browser at once, on the server a second after the last change (which renews the
// lease, too). Nothing older is ever put over something newer: each save says which version it was made from.
import { at, change, copyOf, entered, forgetCopy, keepCopy, putBack, same } from "./copy.js";
import { kept, names } from "./stored.js";
import { notify } from "./notices.js";
import { reached } from "./outbox.js";
import { say, show } from "./panel.js";
import { ask, post } from "./post.js";
import { signIn } from "./sign-in.js";
import { renewToken } from "./token.js";

const SOON = 200;
const PAUSE = 1000;
const LONGEST = 10_000;
const AGAIN = 5000;
const WHILE_READING = 60_000;
const words = document.getElementById("desk").dataset;
const versions = new Map(); // the newest version of each draft that this page knows of
let draft = null; // of the form on the page

export { forgetCopy };

// --- Keeping ---------------------------------------------------------------------------------------------------------

function begin(form) {
  const base = Math.max(Number(form.dataset.version ?? 0), versions.get(form.dataset.copy) ?? 0);
  draft = { form, base, since: 0, timer: 0, copyTimer: 0, unanswered: null, halted: !form.dataset.draft, told: false, seconds: seconds(form) };
}

const seconds = (form) => Number(form.elements.active_seconds.value);

function changed(event) {
  if (!draft || event.target.form !== draft.form) return;
  if (draft.handed && same(draft.handed, entered(draft.form))) return; // leaving a field tells of its change once more
  draft.handed = null;
  draft.copyTimer ||= setTimeout(copyNow, SOON, draft);
  if (draft.halted) return;
  draft.since ||= Date.now();
  later(draft, Math.max(Math.min(PAUSE, draft.since + LONGEST - Date.now()), 0));
}

function copyNow(of) {
  clearTimeout(of.copyTimer);
  of.copyTimer = 0;
  keepCopy(of.form, { base: of.base, saved: false, sent: of.unanswered?.fields ?? null });
}

function later(of, wait) {
  clearTimeout(of.timer);
  of.timer = setTimeout(save, wait, of);
}

function rest(of) {
  clearTimeout(of.timer);
  of.timer = of.since = 0;
}

// Saves now what is not saved yet; resolves when that is done, or can't be done now.
export async function flush() {
  if (!draft) return;
  if (draft.saving) await draft.saving;
  if (!draft?.timer && !draft?.copyTimer) return;
  copyNow(draft);
  if (!draft.halted) await save(draft);
}

// The answer is in the outbox: that is what goes to the server now. The copy stays until it has arrived.
export function handedIn(form) {
  if (draft?.form !== form) return;
  copyNow(draft);
  rest(draft);
  draft.handed = entered(form);
}

async function save(of) {
  rest(of);
  if (of.saving || of.halted) return of.saving;
  of.saving = send(of).finally(() => (of.saving = null));
  return of.saving;
}

async function send(of) {
  // A save that nobody answered may have arrived: the same once more tells, before the next is made from it.
  const tries = of.unanswered ? [of.unanswered, null] : [null];
  for (const before of tries) {
    const body = before ?? { fields: entered(of.form), all: [...new FormData(of.form)], keepalive: document.hidden };
    of.unanswered = body;
    change(of.form, { sent: body.fields });
    const answer = await put(of, body);
    if (!(await heard(of, body, answer))) return;
  }
}

async function put(of, { all, keepalive }) {
  const fields = [...all, ["base", of.base]];
  const small = keepalive && JSON.stringify(all).length < 50_000; // browsers keep only small ones alive
  const answer = await post(of.form.dataset.draft, fields, { keepalive: small });
  if (answer?.status !== 403 && answer?.status !== 401) return answer;
  const ready = answer.status === 403 ? await renewToken() : 401;
  if (ready === 200 || (ready === 401 && (await signIn()))) return post(of.form.dataset.draft, fields);
  return answer;
}

// What the server said of a save. True if it is kept.
async function heard(of, body, answer) {
  const status = answer?.status ?? 0;
  reached(status > 0);
  if (!status || status >= 500) {
    tell(of, of.form.querySelector("#saved")?.dataset.unsaved, true);
    if (of === draft) later(of, AGAIN);
    return false;
  }
  of.unanswered = null;
  if (status === 200) return saved(of, body, await answer.json());
  change(of.form, { sent: null });
  refused(of, status, status === 409 ? await answer.json() : {});
  return false;
}

function saved(of, body, { version, held }) {
  of.base = version;
  of.seconds = seconds(of.form);
  versions.set(of.form.dataset.copy, version);
  change(of.form, { base: version, sent: null, saved: same(copyOf(of.form)?.fields, body.fields) });
  if (same(body.fields, entered(of.form))) tell(of, of.form.querySelector("#saved")?.dataset.saved.replace("{time}", at(Date.now())));
  document.dispatchEvent(new CustomEvent("draft:kept"));
  if (!held && !of.told && of === draft) notify("lost", words.lost, { bad: true });
  of.told = !held;
  return true;
}

function refused(of, status, told) {
  of.halted = true;
  if (of !== draft || !of.form.isConnected) return;
  if (told.code === "draft_newer") newer(of, told);
  else tell(of, told.message ?? document.getElementById("trouble").dataset[status], true);
}

function tell(of, text, bad = false) {
  const line = of.form.isConnected ? of.form.querySelector("#saved") : null;
  if (!line || !text) return;
  line.textContent = text;
  line.classList.toggle("bad", bad);
}

// --- Two drafts ------------------------------------------------------------------------------------------------------

function newer(of, { version, saved_at }) {
  const take = async () => {
    forgetCopy(of.form.dataset.copy);
    versions.set(of.form.dataset.copy, version);
    const answer = await ask(of.form.dataset.draft);
    if (answer?.ok) show(await answer.text());
  };
  const mine = () => {
    Object.assign(of, { base: version, halted: false });
    save(of);
  };
  notify("newer", words.newer.replace("{time}", at(saved_at)), { bad: true, acts: [[words.take, take], [words.keep, mine]] });
}

// A copy of this task that the server's draft is not made of.
function meet(copy) {
  const { form } = draft;
  const shown = entered(form);
  if (copy.fence !== form.elements.fence.value) return; // another lease, other letters: `bringUp` sends it
  if (same(copy.fields, shown) || (form.dataset.draft && copy.saved)) return forgetCopy(form.dataset.copy);
  if (!form.dataset.draft || copy.base >= draft.base || same(copy.sent, shown)) return restore(copy);
  const keep = [words.keep, () => restore(copy)];
  const take = [words.take, () => forgetCopy(form.dataset.copy)];
  notify("newer", words.mineAt.replace("{time}", at(copy.at)), { bad: true, acts: [take, keep] });
}

// Whether the panel holds what the server did not take, so that only this browser has it.
const unsaved = () => "unsaved" in draft.form.dataset;

function restore(copy) {
  putBack(draft.form, copy);
  const said = words.restored.replace("{time}", at(copy.at));
  notify("restored", said);
  say(said);
}

// Copies of tasks that are not on the page: their drafts get them, unless there is something newer.
async function bringUp() {
  for (const name of names("copy:place-")) {
    const copy = kept(name);
    const here = name === `copy:${draft?.form.dataset.copy}` && copy.fence === draft.form.elements.fence.value;
    if (here || copy.saved || !copy.url) continue;
    const answer = await post(copy.url, [...copy.fields, ["fence", copy.fence], ["active_seconds", copy.seconds], ["base", copy.base]]);
    const done = answer?.ok || (answer?.status === 409 && (await answer.json()).code !== "draft_newer");
    if (done) forgetCopy(name.slice("copy:".length));
    if (answer?.ok && name === `copy:${draft?.form.dataset.copy}`) show(await (await ask(draft.form.dataset.draft)).text());
  }
}

// --- When ------------------------------------------------------------------------------------------------------------

document.addEventListener("input", changed);
document.addEventListener("change", changed);
for (const [target, name] of [[document, "visibilitychange"], [window, "pagehide"]]) {
  target.addEventListener(name, () => (document.hidden || name === "pagehide") && flush());
}
document.addEventListener("submit", (event) => event.target.id !== "answer" && flush(), true);
document.addEventListener("panel:shown", ({ detail }) => {
  if (draft?.timer && draft.form.isConnected === false) rest(draft);
  const form = document.querySelector("#answer[data-copy]");
  draft = null;
  if (!form) return;
  begin(form);
  const copy = copyOf(form);
  if (unsaved()) later(draft, PAUSE);
  else if (copy) meet(copy);
  if (detail.first) bringUp();
});
addEventListener("online", () => draft?.unanswered && later(draft, 0));
setInterval(() => {
  if (draft && !draft.halted && !draft.timer && seconds(draft.form) - draft.seconds > WHILE_READING / 2000) save(draft);
}, WHILE_READING);
