// The files in what was dropped or chosen, with their paths: folders keep their structure, empty ones too.

export async function droppedIn(transfer) {
  // The list is empty as soon as this function waits.
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const dropped = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const found = { files: [], folders: [], unreadable: [] };
  for (const { entry, file } of dropped) {
    if (entry) await walk(entry, found);
    else if (await isReadable(file)) found.files.push({ file, path: file.name });
    else found.unreadable.push({ path: file.name });
  }
  return found;
}

export function chosenIn(input) {
  const files = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
  const folders = new Set();
  for (const { path } of files) {
    const parts = path.split("/").slice(0, -1);
    parts.forEach((_, depth) => folders.add(parts.slice(0, depth + 1).join("/")));
  }
  return { files, folders: [...folders], unreadable: [] };
}

// Chromium gives a folder that was removed meanwhile as an empty file.
async function isReadable(file) {
  try {
    await (file.size ? file.slice(0, 1) : file).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

// What was removed meanwhile, or what the browser may not read, stands in the way of nothing else.
async function walk(entry, found) {
  const path = entry.fullPath.replace(/^\//, "");
  try {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.files.push({ file, path });
      return;
    }
    const reader = entry.createReader();
    const more = () => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    let some = await more();
    found.folders.push(path);
    // Chromium gives 100 at a time.
    while (some.length) {
      for (const child of some) await walk(child, found);
      some = await more();
    }
  } catch {
    found.unreadable.push({ path, isFile: entry.isFile });
  }
}

export function hasFiles(event) {
  return [...(event.dataTransfer?.types ?? [])].includes("Files");
}
