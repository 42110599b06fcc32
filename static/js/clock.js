// Counts the seconds a person is at work on a task: the page in sight, and something done in the last minute.
const IDLE = 60_000;
const TICK = 1000;
let done = performance.now(); // when something was last done
let counted = done; // up to when time is counted
let inSight = !document.hidden;

// Writes the time up to now into the form.
export function tally() {
  const now = performance.now();
  const worked = inSight ? Math.max(Math.min(now, done + IDLE) - counted, 0) : 0;
  counted = now;
  const field = document.querySelector("#answer [name=active_seconds]");
  if (field && worked) field.value = (Number(field.value) + worked / 1000).toFixed(3);
}

function act() {
  if (performance.now() - done > TICK) tally(); // a pause longer than counts must not begin anew
  done = performance.now();
}

for (const name of ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchmove"]) {
  document.addEventListener(name, act, { passive: true, capture: true });
}
document.addEventListener("visibilitychange", () => {
  tally();
  inSight = !document.hidden;
  if (inSight) done = performance.now();
});
document.addEventListener("panel:shown", ({ detail }) => {
  if (!detail.first) counted = performance.now(); // each task its own time
});
setInterval(tally, TICK);
