// The files in what was dropped or chosen, with their paths: folders keep their structure, empty ones too.

export async function droppedIn(transfer) {
  // The list is empty as soon as this function waits.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return { files: [...transfer.files].map((file) => ({ file, path: file.name })), folders: [] };
  const found = { files: [], folders: [] };
  for (const entry of entries) await walk(entry, found);
  return found;
}

export function chosenIn(input) {
  const files = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
  const folders = new Set();
  for (const { path } of files) {
    const parts = path.split("/").slice(0, -1);
    parts.forEach((_, depth) => folders.add(parts.slice(0, depth + 1).join("/")));
  }
  return { files, folders: [...folders] };
}

async function walk(entry, found) {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.files.push({ file, path });
    return;
  }
  found.folders.push(path);
  const reader = entry.createReader();
  for (;;) {
    // Chromium gives 100 at a time.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const child of some) await walk(child, found);
  }
}

export function hasFiles(event) {
  return [...(event.dataTransfer?.types ?? [])].includes("Files");
}
