// In the dialogs of the ways out a digit chooses its reason and sends it; for the last one, one's own words are asked.
import { singleKeysOn } from "./plain-key.js";

function chosen(event) {
  const open = document.querySelector(".ways-out:popover-open");
  const writing = event.target.matches?.("input:not([type=radio]), textarea");
  if (!open || writing || event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return null;
  return open.querySelectorAll("[name=reason]")[Number(event.key) - 1] ?? null;
}

document.addEventListener("keydown", (event) => {
  const reason = singleKeysOn() ? chosen(event) : null;
  if (!reason) return;
  event.preventDefault();
  reason.checked = true;
  if (reason.value) reason.form.requestSubmit(reason.form.querySelector("[name=way]"));
  else reason.form.elements.words.focus();
});
