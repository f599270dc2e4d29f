// The upload tray: every file that is on its way to the bucket, and then into its folder.

import { size } from "./selection.js";
import { post } from "./server.js";
import { fresh, say, text } from "./texts.js";

const SPOKEN = 5000;
const FOLDERS = 200;
// The site knows the upload no more: the file has to be sent again.
const GONE = ["not_uploaded", "size_differs", "receipt_expired", "receipt_invalid"];

export class Tray extends EventTarget {
  constructor(element, { endpoint, destination, engine, texts, arrived, folders }) {
    super();
    Object.assign(this, { element, endpoint, destination, texts, arrived, folders, rows: [], spoken: 0 });
    this.engineUrl = engine;
    this.list = element.querySelector("[data-tray-list]");
    element.querySelector("[data-tray-close]").addEventListener("click", () => this.close());
  }

  // The module of the storage: it calculates checksums if the storage wants them.
  async load() {
    this.engine ??= await import(this.engineUrl);
    const tokens = () => [...document.querySelectorAll("[name=csrfmiddlewaretoken]")];
    this.uploader ??= new this.engine.Uploader({
      endpoint: this.endpoint,
      destination: this.destination,
      csrfToken: () => tokens()[0]?.value ?? "",
      onToken: (token) => tokens().forEach((field) => (field.value = token)),
    });
  }

  // What the library says of states and errors.
  text(name, values = {}) {
    return (this.texts[name] ?? "").replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  }

  explain(error) {
    if (!this.engine) return text("unreachable");
    const common = { origin, size: size(error.details?.max_size ?? 0) };
    return this.engine.explain(error, (name, values) => this.text(name, { ...common, ...values }));
  }

  async add({ files, folders, unreadable }, folder) {
    this.element.hidden = false;
    for (const { path, isFile } of unreadable) {
      const row = new TrayRow(this, null, path, folder);
      this.rows.push(row);
      row.failed(isFile ? this.text("file_changed") : text("unreadable"));
    }
    this.draw();
    for (let from = 0; from < folders.length; from += FOLDERS) {
      const { json } = await post(this.folders, { folder, paths: folders.slice(from, from + FOLDERS) });
      if (json?.state === "error") return this.dispatchEvent(new CustomEvent("refused", { detail: json }));
    }
    const rows = files.map(({ file, path }) => new TrayRow(this, file, path, folder));
    this.rows.push(...rows);
    this.draw();
    if (!rows.length) this.dispatchEvent(new Event("arrived"));
    return Promise.all(rows.map((row) => row.start()));
  }

  draw() {
    const ended = this.rows.filter((row) => row.state === "done").length;
    const busy = this.rows.some((row) => row.busy);
    const message = text("uploaded", { count: ended, total: this.rows.length });
    this.element.querySelector("[data-tray-title]").textContent = message;
    if (busy) addEventListener("beforeunload", warn);
    else removeEventListener("beforeunload", warn);
    if (!busy || performance.now() - this.spoken > SPOKEN) {
      this.spoken = performance.now();
      say(message);
    }
  }

  finished() {
    this.draw();
    clearTimeout(this.timer);
    const busy = this.rows.some((row) => row.busy);
    this.timer = setTimeout(() => this.dispatchEvent(new Event("arrived")), busy ? 1500 : 50);
  }

  close() {
    for (const row of this.rows.filter((one) => !one.busy)) row.element.remove();
    this.rows = this.rows.filter((row) => row.busy);
    this.element.hidden = !this.rows.length;
  }
}

class TrayRow {
  busy = false;
  state = "waiting";

  constructor(tray, file, path, folder) {
    Object.assign(this, { tray, file, path, folder });
    this.element = fresh("tray-template");
    this.element.querySelector("bdi").textContent = path;
    this.element.addEventListener("click", (event) => this.act(event.target.closest("[data-act]")?.dataset.act));
    tray.list.append(this.element);
    this.draw("queued");
  }

  act(name) {
    if (name === "pause") this.task.pause();
    else if (name === "resume") this.task.resume();
    else if (name === "retry") this.run(() => this.again());
    else if (name === "keep_both" || name === "replace") this.run(() => this.arrive(name));
    else if (name === "cancel") this.cancel();
  }

  cancel() {
    this.cancelled = true;
    if (this.busy && this.task) this.task.cancel();
    this.element.remove();
    this.tray.rows = this.tray.rows.filter((row) => row !== this);
    this.tray.draw();
    if (!this.tray.rows.length) this.tray.element.hidden = true;
  }

  start() {
    return this.run(() => this.send());
  }

  async run(work) {
    this.busy = true;
    this.tray.draw();
    try {
      await work();
    } catch (error) {
      if (!this.cancelled) this.failed(this.tray.explain(error));
    } finally {
      this.busy = false;
      if (!this.cancelled) this.tray.finished();
    }
  }

  async send() {
    this.draw("queued");
    await this.tray.load();
    if (this.cancelled) return;
    this.speed = new this.tray.engine.Speed();
    // What has arrived of a large file is not sent again.
    const ticket = this.task?.multipart ? this.task.ticket : null;
    this.task = this.tray.uploader.add(this.file, { ticket, onChange: (task) => this.changed(task) });
    this.receipt = (await this.task.result).receipt;
    if (!this.cancelled) await this.arrive();
  }

  // What is in the bucket is not sent again: it only needs its place in the folder.
  async again() {
    if (this.receipt) await this.arrive(this.conflict);
    if (!this.receipt) await this.send();
  }

  async arrive(conflict = "") {
    this.draw("finishing");
    this.conflict = conflict;
    const { receipt, folder, path } = this;
    const { json } = await post(this.tray.arrived, { receipt, folder, path, conflict });
    if (GONE.includes(json?.code)) this.receipt = null;
    if (json?.state === "done") this.draw("done");
    else if (json?.code === "exists") this.draw("exists", json.message);
    else this.failed(json?.message ?? text("error"));
  }

  changed(task) {
    if (["done", "failed", "aborting", "aborted"].includes(task.state)) return;
    if (task.state !== "uploading") {
      this.draw(task.state, task.reason && this.tray.text(`${task.state}_${task.reason}`));
      return;
    }
    this.speed.add(task.loaded);
    const part = this.file.size ? task.loaded / this.file.size : 0;
    const left = this.speed.left(this.file.size);
    const shown = `${size(task.loaded)} / ${size(this.file.size)}`;
    this.draw("uploading", left === null ? shown : `${shown}, ${this.tray.text("left", { time: duration(left) })}`);
    this.element.querySelector("progress").value = part * 100;
  }

  failed(message) {
    this.draw("failed", message);
  }

  draw(state, message = "") {
    this.state = state;
    this.element.dataset.state = state;
    this.element.querySelector(".tray-state").textContent = message || this.tray.text(state);
    const shown = {
      pause: state === "uploading" && this.task?.multipart,
      resume: state === "paused" || (state === "waiting" && this.task?.reason === "login"),
      retry: state === "failed" && this.file,
      keep_both: state === "exists",
      replace: state === "exists",
      cancel: !["done", "finishing"].includes(state),
    };
    for (const [name, visible] of Object.entries(shown)) {
      this.element.querySelector(`[data-act=${name}]`).hidden = !visible;
    }
    this.element.querySelector("progress").hidden = ["done", "failed", "exists"].includes(state);
  }
}

function duration(seconds) {
  const unit = seconds < 60 ? "second" : seconds < 3600 ? "minute" : "hour";
  const amount = Math.ceil(seconds / { second: 1, minute: 60, hour: 3600 }[unit]);
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long" }).format(amount);
}

function warn(event) {
  event.preventDefault();
}
