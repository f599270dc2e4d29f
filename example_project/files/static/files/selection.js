// Which rows are chosen, and the bar that says so.

import { say, text } from "./texts.js";

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

export function size(bytes) {
  let unit = 0;
  for (; bytes >= 1024 && unit < UNITS.length - 1; unit += 1) bytes /= 1024;
  const digits = unit ? 1 : 0;
  const style = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${new Intl.NumberFormat(document.documentElement.lang, style).format(bytes)} ${UNITS[unit]}`;
}

export class Selection extends EventTarget {
  constructor(root) {
    super();
    this.root = root;
    this.bar = root.querySelector("[data-bar]");
    root.addEventListener("change", (event) => {
      if (event.target.matches("[data-all]")) this.all(event.target.checked);
      else if (event.target.matches("[data-row] input[type=checkbox]")) this.changed();
    });
    this.bar?.querySelector("[data-clear]").addEventListener("click", () => this.clear());
    this.draw();
  }

  get rows() {
    return [...this.root.querySelectorAll("[data-row]")];
  }

  get chosen() {
    return this.rows.filter((row) => box(row).checked);
  }

  get paths() {
    return this.chosen.map((row) => row.dataset.path);
  }

  set(row, checked) {
    box(row).checked = checked;
    this.changed();
  }

  only(rows) {
    for (const row of this.rows) box(row).checked = rows.includes(row);
    this.changed();
  }

  all(checked) {
    for (const row of this.rows) box(row).checked = checked;
    this.changed();
  }

  clear() {
    const focused = this.bar?.contains(document.activeElement);
    this.all(false);
    this.dispatchEvent(new CustomEvent("cleared", { detail: { focused } }));
  }

  changed() {
    this.draw();
    const { length } = this.chosen;
    say(length === 1 ? text("selectedOne") : text("selected", { count: length }));
  }

  draw() {
    const { chosen, rows, bar } = this;
    for (const row of rows) row.setAttribute("aria-selected", String(box(row).checked));
    const all = this.root.querySelector("[data-all]");
    if (all) {
      all.hidden = false;
      all.checked = chosen.length > 0 && chosen.length === rows.length;
      all.indeterminate = chosen.length > 0 && chosen.length < rows.length;
    }
    this.root.toggleAttribute("data-selecting", chosen.length > 0);
    if (!bar) return;
    bar.hidden = !chosen.length;
    const bytes = chosen.reduce((sum, row) => sum + Number(row.dataset.size), 0);
    const counted = chosen.length === 1 ? text("selectedOne") : text("selected", { count: chosen.length });
    bar.querySelector("[data-bar-text]").textContent = bytes ? `${counted}, ${size(bytes)}` : counted;
    bar.querySelector("[data-clear]").hidden = false;
    const rename = bar.querySelector("[data-bar-rename]");
    if (rename) rename.hidden = chosen.length !== 1;
  }
}

const box = (row) => row.querySelector("input[type=checkbox]");
