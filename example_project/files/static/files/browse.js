// The page of a folder.

import { Dialog } from "./dialog.js";
import { Drop } from "./drop.js";
import { chosenIn } from "./dropped.js";
import { Grid } from "./grid.js";
import { List } from "./list.js";
import { renameIn } from "./rename.js";
import { Selection } from "./selection.js";
import { form, post } from "./server.js";
import { Thumbnails } from "./thumbnails.js";
import { Toasts } from "./toast.js";
import { Tray } from "./tray.js";

const root = document.querySelector("[data-files]");
const { dataset } = root;
const folder = dataset.folder;
const list = new List(root);
const selection = new Selection(root);
const toasts = new Toasts(root.querySelector("[data-result]"));
const dialog = new Dialog(root.querySelector("[data-dialog]"));
const thumbnails = new Thumbnails(root, dataset.urlThumbnails);
const grid = new Grid(root, selection, { rename, remove });
const drop = new Drop(root, selection, { upload, move });
const tray = new Tray(root.querySelector("[data-tray]"), {
  endpoint: dataset.endpoint,
  destination: dataset.destination,
  engine: dataset.engine,
  texts: JSON.parse(dataset.texts),
  arrived: dataset.urlArrived,
  folders: dataset.urlFolders,
});
let focusNext;

function drawn() {
  selection.bar = root.querySelector("[data-bar]");
  selection.draw();
  grid.drawn(focusNext);
  focusNext = undefined;
  drop.drawn();
  thumbnails.drawn();
}

async function changed(focusOn) {
  focusNext = focusOn;
  await list.refresh();
}

function closeMenus() {
  for (const menu of root.querySelectorAll("details[data-menu][open]")) menu.open = false;
}

function rename(row) {
  if (dataset.mayWrite === undefined) return false;
  closeMenus();
  renameIn(row, dataset.urlRename, folder).then(async (answer) => {
    if (!answer) return grid.focus(row);
    const renamed = await toasts.follow(answer);
    const above = row.dataset.path.split("/").slice(0, -1);
    const name = answer.message.match(/“(.*)”/)?.[1] ?? row.dataset.name;
    return changed(renamed ? [...above, name].join("/") : row.dataset.path);
  });
  return true;
}

function remove(rows) {
  if (!root.querySelector("[data-delete]")) return false;
  const paths = rows.map((row) => row.dataset.path);
  const all = selection.rows;
  const after = all.slice(all.indexOf(rows.at(-1)) + 1).find((row) => !rows.includes(row));
  const before = all.slice(0, all.indexOf(rows[0])).at(-1);
  const next = (after ?? before)?.dataset.path ?? "";
  post(dataset.urlDelete, { names: paths, folder }).then(async ({ json }) => {
    await toasts.follow(json);
    await changed(next);
  });
  return true;
}

async function move(paths, target) {
  const answer = await post(dataset.urlMove, { names: paths, folder, target }, "dialog");
  if (answer.html) return dialog.show(answer.html);
  await toasts.follow(answer.json);
  return changed(selection.rows.find((row) => !paths.includes(row.dataset.path))?.dataset.path);
}

function upload(found, target) {
  return tray.add(found, target);
}

root.addEventListener("click", async (event) => {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = target.closest("a[data-dialog-link]");
  const renames = target.closest("[data-rename-link], [data-bar-rename]");
  const shape = target.closest("[data-shape-link]");
  if (link) {
    event.preventDefault();
    const opener = link.closest("[data-row]")?.querySelector("summary") ?? link;
    closeMenus();
    await dialog.open(link.href, opener);
  } else if (renames) {
    event.preventDefault();
    rename(target.closest("[data-row]") ?? selection.chosen[0]);
  } else if (shape) {
    event.preventDefault();
    dataset.shape = shape.dataset.shapeLink;
    for (const other of root.querySelectorAll("[data-shape-link]")) other.removeAttribute("aria-current");
    shape.setAttribute("aria-current", "true");
    fetch(shape.href, { method: "HEAD", credentials: "same-origin" });
  }
});

root.querySelector("[data-selection-form]").addEventListener("submit", async (event) => {
  const { submitter } = event;
  if (!submitter || submitter.matches("[data-native]")) return closeMenus();
  event.preventDefault();
  const row = submitter.closest("[data-row]");
  closeMenus();
  if (submitter.matches("[data-delete]")) return remove(row ? [row] : selection.chosen);
  const data = form({ names: selection.paths, folder, action: submitter.value, next: location.href });
  const answer = await post(dataset.urlSelection, data, "dialog");
  if (answer.html) return dialog.show(answer.html, submitter);
  return toasts.follow(answer.json);
});

dialog.addEventListener("done", async ({ detail }) => {
  await toasts.follow(detail);
  await changed(detail.path);
});
toasts.addEventListener("changed", () => changed(""));
list.addEventListener("drawn", drawn);
tray.addEventListener("arrived", () => list.refresh());
tray.addEventListener("refused", ({ detail }) => toasts.show(detail.message, { failed: true }));
selection.addEventListener("cleared", ({ detail }) => detail.focused && grid.focus(grid.current));

addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, [contenteditable], dialog");
  if (typing) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && toasts.canUndo) {
    event.preventDefault();
    toasts.undo();
  } else if (event.key === "Escape" && selection.chosen.length) {
    selection.clear();
  }
});

const chooser = root.querySelector("[data-upload-files]");
if (chooser) {
  const folders = root.querySelector("#upload-folder");
  root.querySelector("[data-upload-folder]").hidden = false;
  root.querySelector("[data-plain]").hidden = true;
  for (const input of [chooser, folders]) {
    input.addEventListener("change", () => {
      const chosen = chosenIn(input);
      input.value = "";
      closeMenus();
      upload(chosen, folder);
    });
  }
}

root.dataset.ready = "";
drawn();
