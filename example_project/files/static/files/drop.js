// Dragging: files from the desktop into the page, rows onto folders.

import { droppedIn, hasFiles } from "./dropped.js";

const ROWS = "application/x-portal-rows";

export class Drop {
  constructor(root, selection, { upload, move }) {
    Object.assign(this, { root, selection, upload, move, inside: 0 });
    this.hint = root.querySelector("[data-drop-hint]");
    this.mayWrite = root.dataset.mayWrite !== undefined;
    root.addEventListener("dragstart", (event) => this.started(event));
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      document.addEventListener(name, (event) => this[name](event));
    }
  }

  drawn() {
    for (const row of this.selection.rows) row.draggable = this.mayWrite;
  }

  started(event) {
    const row = event.target.closest?.("[data-row]");
    if (!row || !this.mayWrite) return;
    const chosen = this.selection.chosen.includes(row) ? this.selection.paths : [row.dataset.path];
    event.dataTransfer.setData(ROWS, JSON.stringify(chosen));
    event.dataTransfer.effectAllowed = "move";
  }

  // Where it would go: a folder's row, a folder above, or for files of the desktop the folder of the page.
  targetOf(event) {
    const row = event.target.closest?.("[data-row][data-is-folder]");
    if (row) return { element: row, path: row.dataset.path };
    const crumb = event.target.closest?.("[data-crumb]");
    if (crumb) return { element: crumb, path: crumb.dataset.crumb };
    return hasFiles(event) ? { element: null, path: this.root.dataset.folder } : null;
  }

  carries(event) {
    return this.mayWrite && (hasFiles(event) || [...(event.dataTransfer?.types ?? [])].includes(ROWS));
  }

  mark(element) {
    if (this.marked === element) return;
    this.marked?.removeAttribute("data-drop-target");
    element?.setAttribute("data-drop-target", "");
    this.marked = element;
  }

  dragenter(event) {
    if (!hasFiles(event) || !this.mayWrite) return;
    this.inside += 1;
    this.hint.hidden = false;
  }

  dragleave(event) {
    if (!hasFiles(event) || !this.mayWrite) return;
    this.inside = Math.max(0, this.inside - 1);
    this.hint.hidden = this.inside === 0;
  }

  dragover(event) {
    if (!this.carries(event)) return;
    const target = this.targetOf(event);
    this.mark(target?.element ?? null);
    if (!target) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = hasFiles(event) ? "copy" : "move";
  }

  async drop(event) {
    if (!this.carries(event)) return;
    const target = this.targetOf(event);
    this.mark(null);
    this.inside = 0;
    this.hint.hidden = true;
    if (!target) return;
    event.preventDefault();
    if (hasFiles(event)) {
      return this.upload(await droppedIn(event.dataTransfer), target.path);
    }
    const paths = JSON.parse(event.dataTransfer.getData(ROWS));
    if (!paths.includes(target.path)) await this.move(paths, target.path);
  }
}
