// The list of files: it is drawn again after a change, and grows by the next page.

import { get, parsed } from "./server.js";
import { say, text } from "./texts.js";

export class List extends EventTarget {
  constructor(root) {
    super();
    this.root = root;
    root.addEventListener("click", (event) => this.clicked(event));
    addEventListener("popstate", () => this.show(location.href, false));
  }

  get element() {
    return this.root.querySelector("[data-list]");
  }

  async clicked(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a[data-next], a[data-sort]");
    if (!link) return;
    event.preventDefault();
    if (link.matches("[data-next]")) await this.more(link);
    else await this.show(link.href, true);
  }

  async more(link) {
    link.setAttribute("aria-busy", "true");
    const { html } = await get(link.href, "rows");
    if (!html) return location.assign(link.href);
    const part = parsed(html);
    const rows = [...part.querySelectorAll("[data-row]")];
    this.element.querySelector("[data-rows]").append(...rows);
    const next = part.querySelector("[data-next]");
    if (next) link.replaceWith(next);
    else link.parentElement.remove();
    const count = this.element.querySelectorAll("[data-row]").length;
    const counted = part.querySelector("[data-count]").textContent;
    this.element.querySelector("[data-count]").textContent = counted.replace(/\d+/, count);
    say(text("loaded", { count: rows.length }));
    this.dispatchEvent(new CustomEvent("drawn", { detail: { first: rows[0] } }));
  }

  async show(url, push) {
    const { html } = await get(url, "rows");
    if (!html) return location.assign(url);
    if (push) history.pushState(null, "", url);
    this.draw(html);
  }

  async refresh() {
    const url = new URL(location.href);
    for (const name of ["page", "operation"]) url.searchParams.delete(name);
    history.replaceState(null, "", url);
    const { html } = await get(url, "rows");
    if (html) this.draw(html);
  }

  draw(html) {
    const part = parsed(html).querySelector("[data-list]");
    this.element.replaceWith(document.adoptNode(part));
    this.dispatchEvent(new CustomEvent("drawn", { detail: {} }));
  }
}
