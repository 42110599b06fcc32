// Signing in again without leaving the page: the same person only; for anybody else the page begins anew.
import { ask } from "./post.js";
import { renewToken } from "./token.js";

const dialog = document.getElementById("sign-in");
const form = dialog?.querySelector("form");
const error = dialog?.querySelector(".wrong");
let waiting = null; // {promise, done}

// Resolves to true once they are signed in, to false if they put it off.
export function signIn() {
  if (!dialog) return Promise.resolve(false);
  if (!waiting) {
    let done;
    waiting = { promise: new Promise((resolve) => (done = resolve)) };
    waiting.done = done;
    for (const open of document.querySelectorAll(":popover-open")) open.hidePopover();
    dialog.showModal();
  }
  return waiting.promise;
}

function end(result) {
  waiting?.done(result);
  waiting = null;
  form.reset();
  tell("");
}

function tell(words) {
  error.textContent = words;
  error.hidden = !words;
}

// The page's own token may be of the session that ended.
async function freshToken() {
  const page = await (await ask(form.action, { headers: { Accept: "text/html" } }))?.text();
  return page && new DOMParser().parseFromString(page, "text/html").querySelector("[name=csrfmiddlewaretoken]")?.value;
}

async function send() {
  const body = new URLSearchParams(new FormData(form));
  body.set("csrfmiddlewaretoken", (await freshToken()) ?? "");
  const answer = await ask(form.action, { method: "POST", body });
  if (!answer) return tell(document.getElementById("trouble").dataset[0]);
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 422) return tell(told.errors.join(" "));
  if (answer.ok && String(told.user) !== document.body.dataset.user) return location.reload();
  if (!answer.ok || (await renewToken()) !== 200) return tell(document.getElementById("trouble").dataset[500]);
  end(true);
  dialog.close();
}

if (dialog) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  dialog.querySelector("[data-later]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => end(false));
}
