// Whether a key press is a shortcut: alone, not while writing or composing, and not behind an open dialog.
const WRITING = 'textarea, select, [contenteditable], input:not([type="radio"], [type="checkbox"])';
const SWITCH = "preceptor-single-keys";

export function singleKeysOn() {
  return localStorage.getItem(SWITCH) !== "off";
}

export function switchSingleKeys(on) {
  if (on) localStorage.removeItem(SWITCH);
  else localStorage.setItem(SWITCH, "off");
}

export function isPlainKey(event) {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return false;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.target.closest?.(WRITING) || document.querySelector(":popover-open")) return false;
  return singleKeysOn();
}
