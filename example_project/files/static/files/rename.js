// Renaming in place: Enter saves, Esc cancels.

import { post } from "./server.js";
import { text } from "./texts.js";

export function renameIn(row, url, folder) {
  return new Promise((resolve) => {
    const link = row.querySelector("[data-open]");
    const input = document.createElement("input");
    const old = row.dataset.name;
    Object.assign(input, { value: old, className: "rename-input", maxLength: 255, autocomplete: "off" });
    input.dataset.renameInput = "";
    input.setAttribute("aria-label", text("newName", { name: old }));
    link.hidden = true;
    link.before(input);
    input.focus();
    const dot = old.lastIndexOf(".");
    input.setSelectionRange(0, dot > 0 && row.dataset.isFolder === undefined ? dot : old.length);
    let ended = false;
    const end = (answer) => {
      if (ended) return;
      ended = true;
      input.remove();
      link.hidden = false;
      resolve(answer);
    };
    const save = async () => {
      const name = input.value.trim();
      if (ended || input.disabled) return;
      if (!name || name === old) return end(null);
      input.disabled = true;
      const { json } = await post(url, { names: row.dataset.path, folder, name });
      end(json);
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") {
        event.preventDefault();
        save();
      } else if (event.key === "Escape") {
        event.preventDefault();
        end(null);
      }
    });
    input.addEventListener("blur", save);
  });
}
