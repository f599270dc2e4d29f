// The keyboard of the list: one tab stop, arrows between rows and cells. ARIA Authoring Practices: "Grid Pattern".

const PAGE = 10;
const PAUSE = 700;

export class Grid {
  constructor(root, selection, actions) {
    Object.assign(this, { root, selection, actions, column: 1, anchor: null, typed: "", typedAt: 0 });
    root.addEventListener("keydown", (event) => this.pressed(event));
    root.addEventListener("focusin", (event) => this.focused(event));
    root.addEventListener("click", (event) => this.clicked(event));
    this.drawn();
  }

  get rows() {
    return this.selection.rows;
  }

  get current() {
    return this.rows.find((row) => row.querySelector('[data-cell][tabindex="0"]')) ?? this.rows[0];
  }

  drawn(focusOn) {
    for (const cell of this.root.querySelectorAll("[data-row] a, [data-row] button, [data-row] summary, [data-row] input")) {
      cell.tabIndex = -1;
    }
    const row = this.rows.find((one) => one.dataset.path === focusOn) ?? this.rows[0];
    if (row) cells(row)[this.column].tabIndex = 0;
    if (focusOn !== undefined) this.focus(row);
  }

  focus(row) {
    if (!row) return this.root.querySelector("[data-list] a, h1")?.focus();
    const cell = cells(row)[this.column];
    cell.focus();
    cell.scrollIntoView({ block: "nearest" });
  }

  focused(event) {
    const cell = event.target.closest("[data-cell]");
    if (!cell || !cell.closest("[data-row]")) return;
    for (const other of this.root.querySelectorAll('[data-cell][tabindex="0"]')) other.tabIndex = -1;
    cell.tabIndex = 0;
    this.column = cells(cell.closest("[data-row]")).indexOf(cell);
  }

  clicked(event) {
    const row = event.target.closest("[data-row]");
    if (!row || event.target.closest("a, button, summary, .menu-panel")) return;
    const onBox = event.target.matches("input");
    if (event.shiftKey && this.anchor?.isConnected) this.range(this.anchor, row);
    else if (!onBox && (event.ctrlKey || event.metaKey)) this.selection.set(row, row.ariaSelected !== "true");
    else if (!onBox) this.selection.only([row]);
    if (!event.shiftKey) this.anchor = row;
    if (!onBox) this.focus(row);
  }

  range(from, to) {
    const ends = [this.rows.indexOf(from), this.rows.indexOf(to)].sort((one, two) => one - two);
    this.selection.only(this.rows.slice(ends[0], ends[1] + 1));
  }

  pressed(event) {
    const row = event.target.closest("[data-row]");
    if (!row || event.target.matches("[data-rename-input]")) return;
    const menu = event.target.closest(".menu-panel");
    if (menu || event.target.closest("details[open]")) return;
    if (this.done(event, row)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  done(event, row) {
    const { key } = event;
    const command = event.ctrlKey || event.metaKey;
    const { rows } = this;
    const place = rows.indexOf(row);
    const jumps = { ArrowUp: -1, ArrowDown: 1, PageUp: -PAGE, PageDown: PAGE, Home: -rows.length, End: rows.length };
    if (key in jumps && !event.altKey && !command) return this.go(row, place + this.step(jumps[key], key, row), event.shiftKey);
    if (command && key.toLowerCase() === "a") return this.selection.all(true) ?? true;
    if (command || event.altKey) return false;
    if (key === "ArrowLeft" || key === "ArrowRight") return this.aside(row, key === "ArrowRight" ? 1 : -1);
    if (key === " ") return this.toggle(row);
    if (key === "Escape") return this.selection.chosen.length ? (this.selection.clear(), true) : false;
    if (key === "F2") return this.actions.rename(row);
    if (key === "Delete") return this.actions.remove(this.selection.chosen.length ? this.selection.chosen : [row]);
    if (key === "Enter") return this.enter(event, row);
    return key.length === 1 && key !== "/" ? this.jump(key, place) : false;
  }

  step(jump, key, row) {
    // In the grid of cards, up and down go to the card above and below.
    if (!key.startsWith("Arrow") || this.root.dataset.shape !== "grid") return jump;
    const top = row.offsetTop;
    const first = this.rows.findIndex((one) => one.offsetTop === top);
    const after = this.rows.findIndex((one, index) => index > first && one.offsetTop !== top);
    return jump * (after < 0 ? 1 : after - first);
  }

  go(row, wanted, extend) {
    const next = this.rows[Math.max(0, Math.min(this.rows.length - 1, wanted))];
    if (extend) {
      this.anchor ??= row;
      this.range(this.anchor, next);
    } else {
      this.anchor = next;
    }
    this.focus(next);
    return true;
  }

  aside(row, by) {
    if (this.root.dataset.shape === "grid") return this.go(row, this.rows.indexOf(row) + by, false);
    const all = cells(row);
    all[Math.max(0, Math.min(all.length - 1, this.column + by))].focus();
    return true;
  }

  toggle(row) {
    this.selection.set(row, row.ariaSelected !== "true");
    this.anchor = row;
    return true;
  }

  enter(event, row) {
    if (event.target.closest("summary")) return false;
    row.querySelector("[data-open]").click();
    return true;
  }

  jump(key, place) {
    const now = performance.now();
    this.typed = now - this.typedAt > PAUSE ? key : this.typed + key;
    this.typedAt = now;
    const { rows } = this;
    const from = this.typed.length > 1 ? place : place + 1;
    const order = [...rows.slice(from), ...rows.slice(0, from)];
    const found = order.find((row) => row.dataset.name.toLowerCase().startsWith(this.typed.toLowerCase()));
    if (found) this.focus(found);
    return true;
  }
}

function cells(row) {
  return [...row.querySelectorAll("[data-cell]")];
}
