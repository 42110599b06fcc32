// Notices at the top of the page. One of a kind at a time; those about a task go with it.
const place = document.getElementById("notices");

export function clear(kind) {
  for (const one of [...place.children].filter((other) => other.dataset.kind === kind)) one.remove();
}

// words: what happened; bad: whether it is; stays: also when another task comes; acts: [words, what to do] for buttons.
export function notify(kind, words, { bad = false, stays = false, acts = [], more = null } = {}) {
  clear(kind);
  const notice = document.createElement("div");
  notice.className = bad ? "notice bad" : "notice";
  notice.role = bad ? "alert" : "status";
  notice.tabIndex = -1;
  Object.assign(notice.dataset, { kind, ...(stays && { stays: "" }) });
  notice.append(Object.assign(document.createElement("strong"), { textContent: words }));
  if (more) notice.append(more);
  if (acts.length) notice.append(buttons(acts, notice));
  place.append(notice);
  return notice;
}

function buttons(acts, notice) {
  const row = Object.assign(document.createElement("p"), { className: "actions" });
  for (const [words, act] of acts) {
    const button = Object.assign(document.createElement("button"), { className: "button small", type: "button", textContent: words });
    button.addEventListener("click", () => {
      notice.remove();
      act();
    });
    row.append(button);
  }
  return row;
}

document.addEventListener("panel:shown", ({ detail }) => {
  if (detail.first) return;
  for (const one of [...place.children]) if (!("stays" in one.dataset)) one.remove();
});
