// A file dropped anywhere on the page goes into the form marked data-drop.
const form = document.querySelector("form[data-drop]");
const input = form?.querySelector("input[type=file]");
const carriesFile = (event) => event.dataTransfer?.types.includes("Files");

function over(event) {
  if (!carriesFile(event)) return;
  event.preventDefault();
  form.classList.add("over");
}

function drop(event) {
  if (!carriesFile(event)) return;
  event.preventDefault();
  form.classList.remove("over");
  input.files = event.dataTransfer.files;
  input.focus();
}

if (input) {
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", () => form.classList.remove("over"));
  document.addEventListener("drop", drop);
}
