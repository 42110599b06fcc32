// When a request fails, what was entered stays on the page, and a notice above it says what is the matter.
import { renewToken } from "./token.js";

const retried = new WeakSet();

function say(status) {
  const words = document.getElementById("trouble").dataset;
  const notice = document.createElement("div");
  const text = document.createElement("strong");
  text.textContent = words[status] ?? words[status < 500 && status > 0 ? 403 : 500];
  notice.className = "notice bad";
  notice.role = "alert";
  notice.tabIndex = -1;
  notice.append(text);
  document.getElementById("notices").replaceChildren(notice);
  document.querySelector(":popover-open")?.hidePopover();
  notice.focus();
}

async function refused(form, submitter) {
  // Signing in again in another tab makes this page's token old: once, try with a new one.
  const status = retried.has(form) ? 403 : await renewToken();
  if (status !== 200) return say(status);
  retried.add(form);
  form.requestSubmit(submitter);
}

document.addEventListener("htmx:before:request", () => document.getElementById("notices").replaceChildren());

document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  const { status } = ctx.response;
  if (status === 409 || status === 422) return; // ours: the panel says it
  if (status === 403 && ctx.sourceElement.matches("form")) refused(ctx.sourceElement, ctx.request.submitter);
  else say(status);
});

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (ctx && !ctx.response) say(0);
});
