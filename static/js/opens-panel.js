// A link marked data-opens-panel puts its page's panel in the place of this one: "undo last", "back to the task".
// What is on its way arrives before: undo means the very last answer.
import { flush } from "./draft.js";
import { drain, entries } from "./outbox.js";
import { say, show } from "./panel.js";
import { ask } from "./post.js";
import { signIn } from "./sign-in.js";
import { trouble } from "./trouble.js";

const words = document.getElementById("desk").dataset;
let busy = false;

async function open(link) {
  await flush();
  await drain();
  if (entries().length) return say(words.undoWaits);
  let answer = await ask(link.href);
  if (answer?.status === 401 && (await signIn())) answer = await ask(link.href);
  if (!answer || !show(await answer.text())) trouble(answer?.status ?? 0);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-opens-panel]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (busy) return;
  busy = true;
  open(link).finally(() => (busy = false));
});
