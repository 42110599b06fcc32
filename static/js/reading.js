// Reading tools: layout, scrolling together, text size, differences. They change how responses look, never their order.
const KEPT = "preceptor-reading";
const SIZES = ["small", "normal", "large", "larger"];
const root = document.documentElement;
const given = JSON.parse(root.dataset.settingsGiven ?? "{}");
const panel = () => document.getElementById("panel");
const tool = (name) => panel()?.querySelector(`[data-tool=${name}]`);
const areas = () => [...(panel()?.querySelectorAll(".responses .prose") ?? [])];

function say(text) {
  document.getElementById("said").textContent = text;
}

function keep(name, value) {
  root.dataset[name] = value;
  let kept;
  try {
    kept = JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    kept = {};
  }
  localStorage.setItem(KEPT, JSON.stringify({ ...kept, [name]: { value, over: given[name] ?? "" } }));
}

// --- Layout and size ---

const isSide = () => root.dataset.layout !== "stacked";
const isSynced = () => isSide() && root.dataset.sync === "on";

function draw() {
  for (const [name, on] of [["layout", isSide()], ["sync", isSynced()]]) {
    tool(name)?.setAttribute("aria-pressed", String(on));
  }
  const at = SIZES.indexOf(root.dataset.textSize || "normal");
  tool("smaller")?.toggleAttribute("disabled", at === 0);
  tool("larger")?.toggleAttribute("disabled", at === SIZES.length - 1);
  for (const area of areas()) {
    if (isSynced()) area.tabIndex = 0;
    else area.removeAttribute("tabindex");
  }
}

function toggleLayout() {
  keep("layout", isSide() ? "stacked" : "side");
  return isSide();
}

function toggleSync() {
  keep("sync", isSynced() ? "off" : "on");
  if (root.dataset.sync === "on" && !isSide()) keep("layout", "side");
  return isSynced();
}

function resize(step) {
  const at = SIZES.indexOf(root.dataset.textSize || "normal") + step;
  if (SIZES[at]) keep("textSize", SIZES[at]);
}

// --- Scrolling together, each by its own length ---

const moved = new WeakMap(); // where we put an area: its scroll event is our doing

function follow(event) {
  const leader = event.target;
  if (!isSynced() || !areas().includes(leader)) return;
  if (moved.has(leader) && Math.abs(leader.scrollTop - moved.get(leader)) < 2) return;
  const share = leader.scrollTop / Math.max(leader.scrollHeight - leader.clientHeight, 1);
  moved.delete(leader);
  for (const area of areas()) {
    if (area === leader) continue;
    area.scrollTop = share * (area.scrollHeight - area.clientHeight);
    moved.set(area, area.scrollTop);
  }
}

// --- Differences: never on by themselves ---

const shownDifferences = () => panel()?.querySelector(".differences");

function hideDifferences() {
  shownDifferences()?.remove();
  tool("diff")?.setAttribute("aria-expanded", "false");
}

async function showDifferences(form) {
  const place = panel();
  const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
  const section = document.createElement("section");
  section.className = "differences";
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(String(answer.status));
    section.innerHTML = await answer.text();
  } catch {
    return say(form.dataset.failed);
  }
  if (place !== panel()) return; // another task came meanwhile
  hideDifferences();
  place.querySelector(".responses").before(section);
  tool("diff").setAttribute("aria-expanded", "true");
  section.querySelector("h2").focus({ preventScroll: true });
  section.scrollIntoView({ block: "nearest" });
}

function hideAndSay(form) {
  hideDifferences();
  say(form.dataset.off);
}

// --- What is pressed ---

const ACTS = { layout: toggleLayout, sync: toggleSync };

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-tool]");
  if (!button) return;
  const act = ACTS[button.dataset.tool];
  if (act) say(act() ? button.dataset.on : button.dataset.off);
  else if (button.dataset.tool === "smaller") resize(-1);
  else if (button.dataset.tool === "larger") resize(1);
  draw();
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "two") return;
  event.preventDefault();
  if (shownDifferences()) hideAndSay(event.target);
  else showDifferences(event.target);
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("#two");
  if (form && shownDifferences()) showDifferences(form);
});

document.addEventListener("scroll", follow, { capture: true, passive: true });

function start() {
  for (const button of panel()?.querySelectorAll("[data-tool][hidden]") ?? []) button.hidden = false;
  tool("diff")?.setAttribute("aria-expanded", "false");
  draw();
}

document.addEventListener("panel:shown", start);
start();
