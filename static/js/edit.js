// Keeps the changes under an edited text up to date while they are unfolded; a text still as it was isn't handed in.
import "./write.js";

const PAUSE = 300;
let timer;
let last = 0;

const place = () => document.querySelector("#answer [data-from]");
const isOpen = (one) => one.closest("details").open;

async function refresh() {
  const target = place();
  if (!target || !isOpen(target)) return;
  const mine = ++last;
  const body = new URLSearchParams(new FormData(target.closest("form")));
  try {
    const response = await fetch(target.dataset.from, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (!response.ok || mine !== last) return;
    target.innerHTML = await response.text(); // made and escaped by our server
  } catch {
    // offline: the draft keeps the text, the changes are shown again with the next key
  }
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(refresh, PAUSE);
}

function check() {
  const field = document.querySelector("#answer [data-same]");
  if (!field) return;
  const same = field.value === document.getElementById("given-text").value;
  field.setCustomValidity(same && !document.getElementById("id_unchanged")?.checked ? field.dataset.same : "");
}

document.addEventListener("input", (event) => {
  check();
  if (event.target.name === "text" && place()) later();
});
document.addEventListener("panel:shown", check);
check();
document.addEventListener("toggle", (event) => event.target.matches?.("#answer .edit-changes") && refresh(), true);
