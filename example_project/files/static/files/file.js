// The page of a file: arrows go to the files beside it.

import { say } from "./texts.js";

addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, video, audio, [tabindex='0']") || event.ctrlKey || event.metaKey || event.altKey) return;
  const link = { ArrowLeft: "[data-previous]", ArrowRight: "[data-following]" }[event.key];
  if (link) document.querySelector(link)?.click();
});

for (const button of document.querySelectorAll("[data-copy-link]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copyLink);
    const label = button.querySelector("span");
    label.textContent = button.dataset.copied ?? "Link copied";
    say(label.textContent);
  });
}
