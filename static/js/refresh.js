// Lets each element with data-refresh="SECONDS" ask for itself anew, while somebody can see the page and is not inside it.
const TICK = 1000;
let ticks = 0;

function due(element) {
  return ticks % Number(element.dataset.refresh) === 0 && !element.contains(document.activeElement);
}

setInterval(() => {
  if (document.visibilityState !== "visible" || document.querySelector(":popover-open")) return;
  ticks += 1;
  for (const element of document.querySelectorAll("[data-refresh]")) {
    if (due(element)) element.dispatchEvent(new CustomEvent("refresh"));
  }
}, TICK);

// Nobody asked for it: it takes no notice away and raises none. When it fails, the next one may not.
function quiet(event) {
  if (event.target.closest?.("[data-refresh]")) event.stopPropagation();
}

for (const name of ["htmx:before:request", "htmx:response:error", "htmx:error"]) document.addEventListener(name, quiet, true);
