// Thumbnails that are not there yet: all of a page are asked for in one request.

import { post } from "./server.js";

const WAIT = 300;

export class Thumbnails {
  constructor(root, url) {
    Object.assign(this, { root, url, waiting: new Map(), asked: new Set() });
    // Errors of pictures do not bubble.
    root.addEventListener("error", (event) => this.failed(event.target), true);
  }

  drawn() {
    for (const image of this.root.querySelectorAll("img[data-thumbnail]")) {
      if (image.complete && !image.naturalWidth) this.failed(image);
    }
  }

  failed(image) {
    if (!image.matches?.("img[data-thumbnail]")) return;
    image.hidden = true;
    const { path } = image.closest("[data-row]").dataset;
    if (this.asked.has(image.src)) return;
    this.asked.add(image.src);
    this.waiting.set(path, image);
    this.timer ??= setTimeout(() => this.ask(), WAIT);
  }

  async ask() {
    let names = [...this.waiting.keys()];
    const images = new Map(this.waiting);
    this.waiting.clear();
    this.timer = null;
    while (names.length) {
      const { json } = await post(this.url, { names });
      if (!json?.made) return;
      for (const [path, url] of Object.entries(json.made)) {
        const image = images.get(path);
        if (!url || !image) continue;
        // The browser remembers that it was not there.
        image.src = `${url}#made`;
        image.hidden = false;
      }
      names = json.rest;
    }
  }
}
