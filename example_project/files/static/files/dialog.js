// Pages with one form, shown in a dialog.

import { get, parsed, post } from "./server.js";

export class Dialog extends EventTarget {
  constructor(element) {
    super();
    this.element = element;
    element.addEventListener("click", (event) => this.clicked(event));
    element.addEventListener("submit", (event) => this.submitted(event));
    element.addEventListener("close", () => this.opener?.isConnected && this.opener.focus());
  }

  async open(url, opener) {
    const answer = await get(url, "dialog");
    if (!answer.html) return location.assign(url);
    return this.show(answer.html, opener);
  }

  show(html, opener) {
    if (opener) this.opener = opener;
    this.fill(html);
    if (!this.element.open) this.element.showModal();
    (this.element.querySelector("[autofocus]") ?? this.element.querySelector("input:not([type=hidden]):not(:disabled), button"))?.focus();
    this.element.querySelector("input[autofocus]")?.select();
  }

  fill(html) {
    const part = parsed(html).querySelector(".dialog-body");
    this.element.replaceChildren(document.adoptNode(part));
    const title = this.element.querySelector("[data-dialog-title]");
    if (title) this.element.setAttribute("aria-label", title.textContent);
    this.dispatchEvent(new Event("filled"));
  }

  close() {
    this.element.close();
  }

  clicked(event) {
    if (event.target === this.element || event.target.closest("[data-dialog-close]")) {
      event.preventDefault();
      this.close();
    }
  }

  async submitted(event) {
    const form = event.target.closest("[data-dialog-form]");
    if (!form) return;
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    const looks = event.submitter?.matches("[data-look]");
    this.element.setAttribute("aria-busy", "true");
    const answer = await post(form.action, data, looks ? "tree" : "dialog");
    this.element.removeAttribute("aria-busy");
    if (answer.html && looks) return this.look(form, answer.html);
    if (answer.html) return this.show(answer.html);
    if (answer.json.state === "error") return this.complain(answer.json.message);
    this.close();
    return this.dispatchEvent(new CustomEvent("done", { detail: answer.json }));
  }

  look(form, html) {
    const tree = document.adoptNode(parsed(html).querySelector("[data-tree]"));
    form.querySelector("[data-tree]").replaceWith(tree);
    tree.querySelector("input:not(:disabled)")?.focus();
  }

  complain(message) {
    const place = this.element.querySelector("[data-problem]");
    if (!place) return;
    place.textContent = message;
    place.hidden = false;
    this.element.querySelector("input:not([type=hidden])")?.focus();
  }
}
