// A key presses whatever carries it in `data-key` ("s", or several: "4 t"); a text field gets the focus instead.
import { isPlainKey, singleKeysOn, switchSingleKeys } from "./plain-key.js";

const TEXT = "textarea, input:not([type=radio], [type=checkbox])";

function carrier(key) {
  return [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key.split(" ").includes(key));
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.("#answer textarea")) event.target.blur();
  if (event.repeat || !isPlainKey(event)) return;
  const found = carrier(event.key);
  if (!found || found.disabled) return;
  event.preventDefault();
  if (found.matches(TEXT)) found.focus();
  else found.click();
});

const box = document.getElementById("keys-on");
if (box) {
  box.checked = singleKeysOn();
  box.addEventListener("change", () => switchSingleKeys(box.checked));
}
