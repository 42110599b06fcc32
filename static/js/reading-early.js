// Before the first paint: how this person chose to read on this machine. A classic script, so that nothing jumps.
// A choice made here holds until the person's settings on the server say something new (`over`: what they said then).
{
  const root = document.documentElement;
  let kept;
  try {
    kept = JSON.parse(localStorage.getItem("preceptor-reading")) ?? {};
  } catch {
    kept = {};
  }
  const settings = {};
  for (const name of ["layout", "textSize", "sync"]) {
    settings[name] = root.dataset[name] ?? "";
    const { value, over } = kept[name] ?? {};
    if (typeof value === "string" && over === settings[name]) root.dataset[name] = value;
  }
  root.dataset.settingsGiven = JSON.stringify(settings);
}
