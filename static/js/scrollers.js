// A block that scrolls sideways can be reached and scrolled by keys, also where the browser does not see to it.
const BLOCKS = ".prose pre, .prose table, .prose > :has(math)";

function reach() {
  for (const block of document.querySelectorAll(BLOCKS)) {
    if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
    else block.removeAttribute("tabindex");
  }
}

document.addEventListener("panel:shown", reach);
addEventListener("resize", reach);
reach();
