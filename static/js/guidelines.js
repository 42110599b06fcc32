// Where there is room the guidelines stay open beside the task; elsewhere they are the dialog they are without scripts.
const WIDE = matchMedia("(min-width: 75rem)");
const KEPT = "preceptor-guidelines";
const panel = document.getElementById("guidelines");
const opener = document.querySelector("[popovertarget=guidelines][data-key]");
let cameFrom = null;

function show(open) {
  panel.hidden = !open;
  document.documentElement.toggleAttribute("data-guidelines", open);
  opener.setAttribute("aria-expanded", String(open));
}

function toggle(open) {
  show(open);
  localStorage.setItem(KEPT, open ? "open" : "closed");
  if (open) {
    cameFrom = document.activeElement;
    document.getElementById("guidelines-title").focus({ preventScroll: true });
  } else if (cameFrom?.isConnected) {
    cameFrom.focus({ preventScroll: true });
  }
}

function arrange() {
  if (WIDE.matches) {
    panel.removeAttribute("popover");
    show(localStorage.getItem(KEPT) === "open");
  } else {
    show(false);
    panel.hidden = false;
    panel.popover = "auto";
    opener.removeAttribute("aria-expanded");
  }
}

if (panel && opener) {
  arrange();
  WIDE.addEventListener("change", arrange);
  document.addEventListener("click", (event) => {
    if (!WIDE.matches || !event.target.closest("[popovertarget=guidelines]")) return;
    toggle(event.target.closest("[popovertarget]") === opener && panel.hidden);
  });
  panel.addEventListener("keydown", (event) => {
    if (WIDE.matches && event.key === "Escape") toggle(false);
  });
}
