// The page of an operation that is still going on: it works on while the page is open.

import { post } from "./server.js";

const section = document.querySelector("[data-operation]");
const form = section?.querySelector("[data-run]");

async function work() {
  const bar = section.querySelector("progress");
  for (;;) {
    const { json } = await post(form.action, {});
    section.querySelector("[data-summary]").textContent = json?.message ?? "";
    if (json?.state !== "running") return location.reload();
    if (json.total) Object.assign(bar, { max: json.total, value: json.done });
  }
}

if (form) {
  form.hidden = true;
  work();
}
