// How pages look changes at once, and is kept; without scripts the forms' buttons do it.
import { keep } from "./keep.js";

const page = document.documentElement.dataset;
const look = document.querySelector("form[data-look]");

function show({ theme, text_size: size, layout }) {
  if (theme === "system") delete page.theme;
  else page.theme = theme;
  page.textSize = size;
  page.layout = layout;
}

look?.addEventListener("change", async () => {
  const chosen = Object.fromEntries(new FormData(look));
  show(chosen);
  if (await keep(chosen)) document.getElementById("said").textContent = look.dataset.saved;
});

// Offers this device's time zone where another was chosen.
const offer = document.querySelector("[data-here]");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (offer && here && here !== offer.dataset.here) {
  offer.value = here;
  offer.textContent = offer.dataset.words.replace("{zone}", here.replaceAll("_", " "));
  offer.hidden = false;
}
