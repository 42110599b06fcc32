// A ranking as the page holds it: radios and boxes are the truth. Reads them, and sets several at once.
export const responses = () => [...document.querySelectorAll("#answer .response[data-letter]")];
export const letter = (one) => one.dataset.letter;
export const radios = (one) => [...one.querySelectorAll(".places [type=radio]")];
export const box = (one) => one.querySelector(".places [name=unusable]");
export const place = (one) => Number(radios(one).find((radio) => radio.checked)?.value ?? 0);
export const isUnusable = (one) => Boolean(box(one)?.checked);
export const isMarked = (one) => place(one) > 0 || isUnusable(one);
export const tiesAllowed = () => document.getElementById("strip").dataset.ties !== "off";

// What every response has: its place, 0 for none, -1 for unusable.
export const snapshot = () => new Map(responses().map((one) => [one, isUnusable(one) ? -1 : place(one)]));

function set(one, number) {
  for (const radio of radios(one)) radio.checked = Number(radio.value) === number;
  if (box(one)) box(one).checked = number === -1;
}

// Bring about what `marks` says, and tell of it once, in the name of `one`.
export function put(marks, one) {
  for (const [other, number] of marks) set(other, number);
  (radios(one)[0] ?? one).dispatchEvent(new Event("change", { bubbles: true }));
}

export function give(one, number) {
  put(snapshot().set(one, number), one);
}

// A place of its own right after place `after` (0: before all); the others make room, as few of them as must.
export function insert(one, after) {
  const marks = snapshot().set(one, 0);
  const count = marks.size;
  const taken = new Set(marks.values());
  let down = after + 1;
  while (down <= count && taken.has(down)) down += 1;
  let up = after;
  while (up >= 1 && taken.has(up)) up -= 1;
  for (const [other, number] of marks) {
    if (down <= count && number > after && number < down) marks.set(other, number + 1);
    if (down > count && number > up && number <= after) marks.set(other, number - 1);
  }
  put(marks.set(one, down <= count ? after + 1 : after), one);
}

// One place better (-1) or worse (1): out of a tie first, then past the neighbours. Without a place: the next free one.
export function shift(one, step) {
  const marks = snapshot();
  const here = marks.get(one);
  const isTied = [...marks].some(([other, number]) => other !== one && number === here);
  if (here <= 0) return insert(one, Math.max(0, ...marks.values()));
  if (isTied) return insert(one, step < 0 ? here - 1 : here);
  const there = here + step;
  if (there < 1 || there > marks.size) return undefined;
  for (const [other, number] of marks) if (number === there) marks.set(other, here);
  return put(marks.set(one, there), one);
}
