// A key presses whatever carries it in `data-key` ("s", or several: "4 t"); a text field gets the focus instead.
// Where the person has moved keys, every <kbd> shows theirs.
import { keep } from "./keep.js";
import { keyOf, moved, singleKeysOn } from "./plain-key.js";

const TEXT = "textarea, input:not([type=radio], [type=checkbox])";
const NAMED = { "←": "ArrowLeft", "→": "ArrowRight", "↑": "ArrowUp", "↓": "ArrowDown" };

function carrier(key) {
  return [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key.split(" ").includes(key));
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.("#answer textarea")) event.target.blur();
  const key = event.repeat ? null : keyOf(event);
  const found = key && carrier(key);
  if (!found || found.disabled) return;
  event.preventDefault();
  if (found.matches(TEXT)) found.focus();
  else found.click();
});

function showOwn(kbd) {
  const shown = kbd.textContent.trim();
  if ("fixed" in kbd.dataset || shown === kbd.dataset.own) return;
  const own = moved.get(NAMED[shown] ?? shown);
  if (!own) return;
  kbd.dataset.own = own;
  kbd.textContent = own;
}

const showAll = () => document.querySelectorAll("kbd").forEach(showOwn);

if (moved.size) {
  showAll();
  new MutationObserver(showAll).observe(document.body, { childList: true, subtree: true });
}

const box = document.getElementById("keys-on");
if (box) {
  box.checked = singleKeysOn();
  box.addEventListener("change", () => {
    document.body.dataset.singleKeys = box.checked ? "on" : "off";
    keep({ part: "single-keys", ...(box.checked && { single_keys: "on" }) });
  });
}
