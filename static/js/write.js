// Counts the words under a text field that names its counter in `data-words`.
function count(field) {
  const counter = document.getElementById(field.dataset.words);
  const words = field.value.trim().split(/\s+/).filter(Boolean).length;
  counter.value = (words === 1 ? counter.dataset.one : counter.dataset.many).replace("{count}", words);
}

const countAll = () => document.querySelectorAll("[data-words]").forEach(count);

document.addEventListener("input", (event) => event.target.dataset.words && count(event.target));
document.addEventListener("panel:shown", countAll);
countAll();
