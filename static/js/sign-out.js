// At signing out this browser forgets what it kept of the person's work, and sends before what was not sent yet.
import { forget, forgetAll, kept, names } from "./stored.js";
import { post } from "./post.js";

const PATIENCE = 5000;

async function sendLast() {
  for (const name of names("outbox:")) {
    const { url, body } = kept(name);
    const answer = await post(url, [...new URLSearchParams(body), ["alone", "1"]]);
    if (answer && (answer.ok || answer.status === 409 || answer.status === 422)) forget(name);
  }
}

async function leave(form) {
  await Promise.race([sendLast(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  const left = names("outbox:").length;
  if (left && !confirm(form.dataset.unsent.replace("{count}", left))) return;
  forgetAll();
  form.submit();
}

document.addEventListener("submit", (event) => {
  if (!("signsOut" in event.target.dataset)) return;
  if (!names("outbox:").length) return forgetAll();
  event.preventDefault();
  leave(event.target);
});
