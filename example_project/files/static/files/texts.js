// The texts of the page, and its live region.

export function text(name, values = {}) {
  const found = document.getElementById("texts-template")?.dataset[name] ?? "";
  return found.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

export function say(sentence) {
  const live = document.getElementById("live");
  if (!live) return;
  // The same sentence twice is read twice.
  live.textContent = "";
  requestAnimationFrame(() => (live.textContent = sentence));
}

export function fresh(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}
