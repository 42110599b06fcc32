// Dragging by pointer and by touch: an extra layer over keys and clicks. What can be dragged is named by a selector;
// its style says `touch-action: none`. A press without a move is a tap.
const FAR = 6;

export function draggable(selector, { words, over, drop, tap, leave }) {
  let held = null;

  function lift(event) {
    const ghost = Object.assign(document.createElement("span"), { className: "chip ghost", textContent: words(held.element) });
    ghost.ariaHidden = "true";
    document.body.append(ghost);
    held.ghost = ghost;
    held.element.toggleAttribute("data-lifted", true);
    document.documentElement.toggleAttribute("data-dragging", true);
    follow(event);
  }

  function follow(event) {
    held.ghost.style.translate = `${event.clientX}px ${event.clientY}px`;
    over(held.element, document.elementFromPoint(event.clientX, event.clientY), event);
  }

  function end() {
    held?.ghost?.remove();
    held?.element.removeAttribute("data-lifted");
    document.documentElement.removeAttribute("data-dragging");
    held = null;
    leave();
  }

  document.addEventListener("pointerdown", (event) => {
    const element = event.target.closest?.(selector);
    if (!element || held || event.button !== 0 || element.closest("[inert]")) return;
    held = { element, pointer: event.pointerId, x: event.clientX, y: event.clientY, ghost: null };
  });
  // The focus stays where it is, and no text is selected.
  document.addEventListener("mousedown", (event) => event.target.closest?.(selector) && event.preventDefault());

  document.addEventListener("pointermove", (event) => {
    if (event.pointerId !== held?.pointer) return;
    if (!held.element.isConnected) return end();
    if (held.ghost) follow(event);
    else if (Math.hypot(event.clientX - held.x, event.clientY - held.y) >= FAR) lift(event);
  });

  document.addEventListener("pointerup", (event) => {
    if (event.pointerId !== held?.pointer) return;
    const { element, ghost } = held;
    const under = document.elementFromPoint(event.clientX, event.clientY);
    end();
    if (!element.isConnected) return;
    if (ghost) drop(element, under, event);
    else tap(element);
  });

  document.addEventListener("pointercancel", (event) => event.pointerId === held?.pointer && end());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !held?.ghost) return;
    event.preventDefault();
    end();
  }, true);
}
