// "Improve the best one": fills the text field with the best response's own text, to be worked on.
const field = () => document.querySelector("#answer [name='improved.text']");
const choice = () => document.querySelector("#answer [name='improved.of']");
const original = (name) => document.querySelector(`#answer template[data-text-of="${name}"]`)?.content.textContent ?? "";

// Nothing of the person's own: empty, or just a response's text.
function isUntouched(text) {
  return !text.trim() || [...choice().options].some(({ value }) => value && original(value).trim() === text.trim());
}

function tell(event, target) {
  target.dispatchEvent(new Event(event, { bubbles: true }));
}

function fill(name) {
  const text = field();
  if (name && isUntouched(text.value)) {
    text.value = original(name);
    choice().value = name;
    tell("input", text);
    tell("change", choice());
  }
  text.focus();
}

// `best` gives the letters of the best responses so far, the preferred one first; none where nothing is decided yet.
export function improveBest(best) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#answer [data-improve]");
    if (!button) return;
    const name = choice().value || best()[0]?.toLowerCase();
    if (name) fill(name);
    else document.getElementById("said").textContent = button.dataset.none;
  });
  // The response to be improved is chosen by hand: its text comes along, unless there is one already.
  document.addEventListener("change", (event) => {
    if (event.target === choice() && event.isTrusted) fill(event.target.value);
  });
}
