// The bar that says what was done: with progress while it goes on, and with a way back.

import { post } from "./server.js";
import { fresh, say } from "./texts.js";

const STAYS = 20_000;

export class Toasts extends EventTarget {
  constructor(place) {
    super();
    this.place = place;
    const there = place.querySelector("[data-toast]");
    if (there) {
      const form = there.querySelector("[data-undo-form]");
      form?.addEventListener("submit", (event) => {
        event.preventDefault();
        this.undo(form.action);
      });
      this.undoUrl = form?.action ?? "";
      say(there.querySelector("p").textContent);
      this.leave(there);
    }
  }

  get canUndo() {
    return Boolean(this.undoUrl && this.place.querySelector("[data-toast]"));
  }

  show(message, { undo = "", page = "", failed = false } = {}) {
    const toast = fresh("toast-template");
    toast.querySelector("p").textContent = message;
    toast.classList.toggle("warn", failed);
    const button = toast.querySelector("[data-undo]");
    button.hidden = !undo;
    button.addEventListener("click", () => this.undo(undo));
    const link = toast.querySelector("a");
    link.hidden = !page;
    if (page) link.href = page;
    toast.querySelector("[data-close]").addEventListener("click", () => this.close());
    this.undoUrl = undo;
    this.place.replaceChildren(toast);
    say(message);
    this.leave(toast);
    return toast;
  }

  leave(toast) {
    clearTimeout(this.timer);
    const start = () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => toast.remove(), STAYS);
    };
    const hold = () => clearTimeout(this.timer);
    for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, hold);
    for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, start);
    start();
  }

  close() {
    this.place.replaceChildren();
    this.dispatchEvent(new Event("closed"));
  }

  async undo(url = this.undoUrl) {
    this.undoUrl = "";
    const { json } = await post(url, {});
    await this.follow(json);
    this.dispatchEvent(new Event("changed"));
  }

  // Drive an operation to its end; it says itself when it goes on elsewhere.
  async follow(answer) {
    let { state } = answer;
    if (state === "running") {
      const toast = this.show(answer.message);
      clearTimeout(this.timer);
      const bar = toast.querySelector("progress");
      bar.hidden = false;
      addEventListener("beforeunload", warn);
      try {
        while (state === "running") {
          toast.querySelector("p").textContent = answer.message;
          if (answer.total) Object.assign(bar, { max: answer.total, value: answer.done });
          answer = (await post(answer.run, {})).json;
          ({ state } = answer);
        }
      } finally {
        removeEventListener("beforeunload", warn);
      }
    }
    if (answer.message) {
      const failed = state === "error" || answer.failed > 0;
      this.show(answer.message, { undo: answer.undo, page: answer.failed ? answer.page : "", failed });
    }
    return state === "done";
  }
}

function warn(event) {
  event.preventDefault();
}
