// What a key press means: the canonical key of a shortcut, after the person's own map (`data-keys` of the body).
// It means nothing while writing or composing, with a modifier, behind an open dialog, or with single keys off.
const WRITING = 'textarea, select, [contenteditable], input:not([type="radio"], [type="checkbox"])';
const DIALOG = ":popover-open, dialog:modal";
const { dataset } = document.body;

export const moved = new Map(Object.entries(JSON.parse(dataset.keys || "{}"))); // canonical -> own
const meaning = new Map([...moved].map(([canonical, own]) => [own, canonical]));

export const singleKeysOn = () => dataset.singleKeys !== "off";

function isPlainKey(event) {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return false;
  if (event.ctrlKey || event.metaKey || event.altKey || event.getModifierState?.("AltGraph")) return false;
  if (event.target.closest?.(WRITING) || document.querySelector(DIALOG)) return false;
  return singleKeysOn();
}

export function keyOf(event) {
  if (!isPlainKey(event)) return null;
  const pressed = event.key.length === 1 && !event.shiftKey ? event.key.toLowerCase() : event.key; // Caps Lock
  return meaning.get(pressed) ?? (moved.has(pressed) ? null : pressed);
}
