// What this browser keeps for the person who is signed in: until it has arrived, or they sign out.
const PREFIX = `preceptor:${document.body.dataset.user ?? ""}:`;
const OLD = 14 * 24 * 3600 * 1000;
const memory = new Map(); // for a browser that keeps nothing, or no more

export function keep(name, value) {
  const text = JSON.stringify(value);
  memory.delete(name);
  try {
    localStorage.setItem(PREFIX + name, text);
  } catch {
    memory.set(name, text);
  }
}

export function kept(name) {
  const text = memory.get(name) ?? localStorage.getItem(PREFIX + name);
  return text ? JSON.parse(text) : null;
}

export function forget(name) {
  memory.delete(name);
  localStorage.removeItem(PREFIX + name);
}

// The names that begin so.
export function names(start) {
  const stored = Object.keys(localStorage).filter((one) => one.startsWith(PREFIX)).map((one) => one.slice(PREFIX.length));
  return [...new Set([...stored, ...memory.keys()])].filter((one) => one.startsWith(start));
}

export function forgetAll() {
  for (const name of names("")) forget(name);
}

export function forgetOld(start) {
  for (const name of names(start)) if (Date.now() - (kept(name)?.at ?? 0) > OLD) forget(name);
}
