// Menus that close, the "/" key, and what screen readers hear. Pages work without this module.

/** Tell screen readers *text*, politely. */
export function say(text) {
  const region = document.getElementById("live");
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}

function closeMenus(except = null) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (menu !== except && !menu.contains(except)) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details[data-menu]"));
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest("details[data-menu][open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
    return;
  }
  if (menu && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const items = [...menu.querySelectorAll(".menu-panel a, .menu-panel button")];
    const here = items.indexOf(document.activeElement);
    const next = event.key === "ArrowDown" ? here + 1 : here < 0 ? items.length - 1 : here - 1;
    items[(next + items.length) % items.length]?.focus();
    event.preventDefault();
    return;
  }
  const typing = event.target.closest("input, textarea, select, [contenteditable], dialog");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector("[data-search]");
    if (search) {
      search.focus();
      search.select();
      event.preventDefault();
    }
  }
});

document.addEventListener("focusin", (event) => closeMenus(event.target.closest("details[data-menu]")));

// A filter applies as soon as it is chosen; without JavaScript its form has a button.
for (const form of document.querySelectorAll("form[data-submit-on-change]")) {
  form.querySelector("[type=submit]")?.setAttribute("hidden", "");
  form.addEventListener("change", () => form.requestSubmit());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    say(button.dataset.copied);
    button.querySelector("[data-copy-text]").textContent = button.dataset.copied;
  });
}
