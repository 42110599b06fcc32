// Counts the seconds a person is at work: the page in sight, and something done in the last minute.
const IDLE = 60_000;
let seen = performance.now();
let last = seen;

for (const name of ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchmove"]) {
  document.addEventListener(name, () => (seen = performance.now()), { passive: true, capture: true });
}

setInterval(() => {
  const now = performance.now();
  const passed = Math.min(now - last, 2_000) / 1000; // a sleeping machine has not worked
  last = now;
  const field = document.querySelector("#answer [name=active_seconds]");
  if (field && !document.hidden && now - seen < IDLE) field.value = (Number(field.value) + passed).toFixed(1);
}, 1000);
