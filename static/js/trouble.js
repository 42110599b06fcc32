// When a request fails, what was entered stays on the page, and a notice above it says what is the matter.
import { clear, notify } from "./notices.js";
import { signIn } from "./sign-in.js";
import { renewToken } from "./token.js";

const retried = new WeakSet();

export function trouble(status) {
  const words = document.getElementById("trouble").dataset;
  document.querySelector(":popover-open")?.hidePopover();
  notify("trouble", words[status] ?? words[status < 500 && status > 0 ? 403 : 500], { bad: true }).focus();
}

async function signedOut(form, submitter) {
  if (await signIn()) form.requestSubmit(submitter);
  else trouble(401);
}

async function refused(form, submitter) {
  // Signing in again in another tab makes this page's token old: once, try with a new one.
  const status = retried.has(form) ? 403 : await renewToken();
  if (status === 401) return signedOut(form, submitter);
  if (status !== 200) return trouble(status);
  retried.add(form);
  form.requestSubmit(submitter);
}

document.addEventListener("htmx:before:request", () => clear("trouble"));

document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  const { status } = ctx.response;
  const form = ctx.sourceElement.matches("form") ? ctx.sourceElement : null;
  if (status === 409 || status === 422) return; // ours: the panel says it
  if (status === 401 && form) signedOut(form, ctx.request.submitter);
  else if (status === 403 && form) refused(form, ctx.request.submitter);
  else trouble(status);
});

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (ctx && !ctx.response) trouble(0);
});
