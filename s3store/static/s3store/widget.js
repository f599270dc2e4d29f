// The file input of s3store in a page: choose, drop or paste files, watch them, and hold the form until they are there.

const ROOT = "[data-s3store-upload]";
const widgets = new WeakMap();
const active = new Set();
const DRAW = 250;
const SPEAK = 10_000;
const ROWS = 100;
const PREVIEWS = 20;
const PREVIEW_BYTES = 32 * 1024 * 1024;
const FINAL = new Set(["done", "failed", "aborted"]);
let engine = null;
let decoding = Promise.resolve();

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const fill = (text, values = {}) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

class Widget {
  constructor(root) {
    this.root = root;
    this.input = root.querySelector("input[type=file]");
    this.texts = JSON.parse(root.dataset.texts);
    this.language = root.closest("[lang]")?.lang || undefined;
    this.multiple = this.input.multiple;
    this.required = this.input.required;
    this.files = [];
    this.list = make("ul", { class: "s3store-files" });
    this.status = make("p", { class: "s3store-hidden", role: "status" });
    this.alert = make("p", { class: "s3store-alert", role: "alert" });
    this.hint = make("p", { class: "s3store-hint" }, this.limits());
    this.hint.id = `${this.input.id}_limits`;
    const described = this.input.getAttribute("aria-describedby");
    this.input.setAttribute("aria-describedby", described ? `${described} ${this.hint.id}` : this.hint.id);
    root.append(this.hint, this.list, this.alert, this.status);
    root.classList.add("s3store-ready");
    for (const kept of root.querySelectorAll("input[type=hidden][data-name]")) this.keep(kept);
    this.listen();
    this.require();
  }

  text(name, values) {
    return fill(this.texts[name] ?? this.texts.failed, values);
  }

  size(bytes) {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
    let power = 0;
    // Powers of 1024, as in Django's filesizeformat and in the settings.
    while (bytes >= 1024 && power < 4) [bytes, power] = [bytes / 1024, power + 1];
    const style = { style: "unit", unit: units[power], unitDisplay: "short", maximumFractionDigits: 1 };
    return new Intl.NumberFormat(this.language, style).format(bytes);
  }

  limits() {
    const { accept, maxSize } = this.root.dataset;
    const parts = [this.text("limit", { size: this.size(Number(maxSize)) })];
    if (accept) parts.unshift(accept.split(",").join(", "));
    return parts.join(" · ");
  }

  listen() {
    this.input.addEventListener("change", () => {
      // Copied first: an emptied input takes the same file again, and sends no bytes to Django.
      const chosen = [...this.input.files];
      this.input.value = "";
      this.choose(chosen);
    });
    let inside = 0;
    const over = (value) => this.root.classList.toggle("s3store-over", value);
    this.root.addEventListener("dragenter", (event) => {
      if (hasFiles(event)) over((inside += 1) > 0);
    });
    this.root.addEventListener("dragleave", (event) => {
      if (hasFiles(event)) over((inside -= 1) > 0);
    });
    this.root.addEventListener("drop", (event) => {
      inside = 0;
      over(false);
      if (hasFiles(event) && !this.input.disabled) this.drop(event.dataTransfer);
    });
    this.root.addEventListener("paste", (event) => {
      const pasted = [...event.clipboardData.files];
      if (!pasted.length) return;
      event.preventDefault();
      const date = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
      this.choose(
        pasted.map((file) =>
          file.name === "image.png" ? new File([file], `pasted-${date}.png`, { type: file.type }) : file
        )
      );
    });
  }

  async drop(data) {
    const entries = [...data.items].map((item) => item.webkitGetAsEntry?.());
    if (!entries.some((entry) => entry?.isDirectory)) return this.choose([...data.files]);
    if (!this.multiple) return this.fail(this.text("no_folders"));
    const found = [];
    for (const entry of entries) if (entry) found.push(...(await filesIn(entry)));
    return this.choose(found);
  }

  choose(chosen) {
    this.alert.textContent = "";
    const limit = this.multiple ? Number(this.root.dataset.maxFiles) : 1;
    if (!this.multiple) {
      chosen = chosen.slice(-1);
      if (chosen.length) for (const file of [...this.files]) file.remove(false);
    }
    const room = limit - this.files.length;
    if (chosen.length > room) this.fail(this.text("too_many", { count: limit }));
    for (const file of chosen.slice(0, Math.max(0, room))) this.start(file);
    this.require();
  }

  refusal(file) {
    const { accept, maxSize, minSize } = this.root.dataset;
    if (file.size > Number(maxSize)) return this.text("too_large", { size: this.size(Number(maxSize)) });
    if (file.size === 0 && /^(image|video)\//.test(file.type)) return this.text("empty");
    if (file.size < Number(minSize)) return this.text("too_small", { size: this.size(Number(minSize)) });
    if (accept && !accepts(accept, file)) return this.text("type_refused", { accept });
    return "";
  }

  start(file) {
    const row = new Row(this, file.name, file.size);
    this.files.push(row);
    const refusal = this.refusal(file);
    if (refusal) return row.refuse(refusal);
    if (!this.emit("start", row, { file })) return row.remove(false);
    row.preview(file);
    return row.upload(file);
  }

  keep(hidden) {
    const row = new Row(this, hidden.dataset.name, Number(hidden.dataset.size || 0));
    row.hidden = hidden;
    this.files.push(row);
    row.draw("done");
  }

  uploader() {
    const form = this.input.form;
    const field = () => form?.elements.csrfmiddlewaretoken ?? document.querySelector("[name=csrfmiddlewaretoken]");
    const cookie = () => /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
    return new engine.Uploader({
      endpoint: this.root.dataset.endpoint,
      destination: this.root.dataset.destination,
      csrfToken: () => field()?.value ?? cookie(),
      onToken: (token) => {
        for (const other of document.querySelectorAll("[name=csrfmiddlewaretoken]")) other.value = token;
      },
    });
  }

  emit(name, row, detail = {}) {
    const all = { name: row.name, size: row.size, task: row.task, ...detail };
    return this.root.dispatchEvent(
      new CustomEvent(`s3store:${name}`, { bubbles: true, cancelable: true, detail: all })
    );
  }

  get busy() {
    return this.files.filter((row) => row.busy);
  }

  require() {
    const filled = this.files.some((row) => row.busy || row.hidden);
    this.input.required = this.required && !filled;
  }

  fail(text) {
    this.alert.textContent = text;
  }

  /** One sentence for screen readers, at most every ten seconds; the newest wins. */
  say(text) {
    this.next = text;
    if (this.speaking) return;
    const speak = () => {
      if (!this.next) {
        this.speaking = null;
        return;
      }
      this.status.textContent = this.next;
      this.next = "";
      this.speaking = setTimeout(speak, SPEAK);
    };
    speak();
  }

  progressed(row) {
    if (this.files.length > 1) {
      const count = this.files.filter((other) => other.hidden).length;
      if (row.hidden) this.say(this.text("count", { count, total: this.files.length }));
    } else if (row.hidden) {
      this.say(this.text("said_done", { name: row.name }));
    }
  }

  leave() {
    for (const row of this.files) row.task?.cancel();
  }
}

class Row {
  constructor(widget, name, size) {
    this.widget = widget;
    this.name = name;
    this.size = size;
    this.busy = false;
    this.rates = [];
    const text = (key) => widget.text(key, { name });
    this.state = make("span", { class: "s3store-state" });
    this.bar = make("progress", { max: "100", value: "0", "aria-label": name });
    this.pause = this.button("pause", () => this.toggle());
    this.retry = this.button("retry", () => this.again());
    this.close = this.button("cancel", () => this.remove());
    this.element = make(
      "li",
      { class: "s3store-file" },
      make("span", { class: "s3store-name" }, make("bdi", {}, name)),
      make("span", { class: "s3store-size" }, widget.size(size)),
      this.bar,
      this.state,
      make("span", { class: "s3store-buttons" }, this.pause, this.retry, this.close)
    );
    this.close.title = text("cancel");
    if (widget.list.childElementCount < ROWS) widget.list.append(this.element);
  }

  button(name, act) {
    const button = make("button", { type: "button", class: "s3store-button" });
    button.addEventListener("click", act);
    this.label(button, name);
    return button;
  }

  label(button, name) {
    button.textContent = this.widget.text(name);
    button.setAttribute("aria-label", this.widget.text(`${name}_name`, { name: this.name }));
  }

  async upload(file) {
    this.file = file;
    this.busy = true;
    active.add(this);
    guard();
    this.draw("queued");
    try {
      engine ??= await import(this.widget.root.dataset.engine);
      if (!this.busy) return;
      this.task = this.widget.uploader().add(file, {
        resume: this.widget.root.dataset.resume !== "off",
        onChange: (task) => this.changed(task),
      });
      const { receipt } = await this.task.result;
      this.stored(receipt);
    } catch (error) {
      this.failed(error);
    } finally {
      this.busy = false;
      active.delete(this);
      guard();
      release(this.widget.input.form);
      this.widget.require();
    }
  }

  stored(receipt) {
    const hidden = make("input", { type: "hidden", name: this.widget.input.name, value: receipt });
    this.hidden = hidden;
    this.widget.root.append(hidden);
    this.draw("done");
    this.widget.progressed(this);
    this.widget.emit("success", this, { receipt });
  }

  failed(error) {
    if (error.name === "AbortError") {
      this.widget.emit("abort", this);
      this.gone();
      return;
    }
    this.draw("failed");
    const limit = Number(this.widget.root.dataset.maxSize);
    const known = this.widget.texts[error.details?.storage_code] ?? this.widget.texts[error.code];
    const values = { code: error.details?.storage_code || error.code, size: this.widget.size(limit) };
    values.host = this.widget.input.form?.dataset.storage ?? "";
    const text = known ? fill(known, values) : error.message !== error.code ? error.message : "";
    this.refuse(text || this.widget.text("storage_refused", values), error.code !== "file_changed");
    this.widget.emit("error", this, { code: error.code, error });
  }

  refuse(text, again = false) {
    this.draw("failed");
    this.state.textContent = text;
    this.retry.hidden = !again;
    this.widget.fail(fill("{name}: {text}", { name: this.name, text }));
    this.widget.input.setAttribute("aria-invalid", "true");
  }

  changed(task) {
    if (task.state === "uploading" && this.shown === "uploading") {
      this.drawLater();
      return;
    }
    if (!FINAL.has(task.state)) this.draw(task.state, task.reason);
  }

  drawLater() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      if (document.hidden || this.task.state !== "uploading") return;
      this.numbers();
    }, DRAW);
  }

  numbers() {
    const { loaded } = this.task;
    const time = performance.now();
    this.rates.push([time, loaded]);
    while (this.rates.length > 2 && time - this.rates[0][0] > SPEAK) this.rates.shift();
    const [[first, before]] = this.rates;
    const rate = time > first ? ((loaded - before) * 1000) / (time - first) : 0;
    this.bar.value = this.size ? (loaded / this.size) * 100 : 0;
    const parts = [this.widget.text("percent", { percent: Math.floor(this.bar.value) })];
    if (rate > 0 && time - first > 3000) {
      parts.push(this.widget.text("speed", { size: this.widget.size(rate) }));
      parts.push(this.left((this.size - loaded) / rate));
    }
    this.state.textContent = parts.join(" · ");
    this.widget.emit("progress", this, { loaded, rate });
    if (this.widget.files.length === 1 && !this.half && loaded * 2 >= this.size) {
      this.half = true;
      this.widget.say(this.widget.text("said_half", { name: this.name }));
    }
  }

  left(seconds) {
    const [amount, unit] =
      seconds < 60 ? [Math.max(5, Math.ceil(seconds / 5) * 5), "second"] : seconds < 3600
        ? [Math.ceil(seconds / 60), "minute"]
        : [Math.ceil(seconds / 3600), "hour"];
    const style = { style: "unit", unit, unitDisplay: "long" };
    return this.widget.text("left", { time: new Intl.NumberFormat(this.widget.language, style).format(amount) });
  }

  draw(state, reason = "") {
    this.shown = state;
    this.element.dataset.state = state;
    this.state.textContent = this.widget.text(reason ? `waiting_${reason}` : state);
    this.bar.hidden = FINAL.has(state);
    this.pause.hidden = !["uploading", "paused", "waiting"].includes(state) || this.size <= 32 * 1024 * 1024;
    if (reason === "login") this.pause.hidden = false;
    this.label(this.pause, state === "paused" || reason === "login" ? "resume" : "pause");
    this.retry.hidden = true;
    this.close.hidden = state === "finishing";
    this.label(this.close, FINAL.has(state) ? "remove" : "cancel");
    if (reason) this.widget.say(this.state.textContent);
    else if (state === "uploading") this.widget.say(this.widget.text("said_start", { name: this.name }));
  }

  toggle() {
    if (this.shown === "uploading") this.task.pause();
    else this.task.resume();
  }

  again() {
    this.widget.alert.textContent = "";
    this.widget.input.removeAttribute("aria-invalid");
    this.upload(this.file);
  }

  remove(focus = true) {
    if (this.busy && this.task) {
      this.task.cancel();
      return;
    }
    this.busy = false;
    this.gone(focus);
  }

  gone(focus = false) {
    const { files, input, alert } = this.widget;
    const index = files.indexOf(this);
    this.hidden?.remove();
    this.element.remove();
    if (index >= 0) files.splice(index, 1);
    if (!files.some((row) => row.shown === "failed")) {
      alert.textContent = "";
      input.removeAttribute("aria-invalid");
    }
    if (focus) (files[Math.min(index, files.length - 1)]?.close ?? input).focus();
    this.widget.require();
  }

  preview(file) {
    const few = this.widget.files.length <= PREVIEWS;
    if (!few || !file.type.startsWith("image/") || file.size > PREVIEW_BYTES) return;
    // One at a time: phones have little memory. A canvas needs nothing from the page's security policy.
    decoding = decoding.then(async () => {
      try {
        const bitmap = await createImageBitmap(file, { resizeWidth: 160 });
        const canvas = make("canvas", { class: "s3store-preview", "aria-hidden": "true" });
        canvas.width = bitmap.width;
        canvas.height = bitmap.height;
        canvas.getContext("2d").drawImage(bitmap, 0, 0);
        bitmap.close();
        this.element.prepend(canvas);
      } catch {
        // This browser cannot show the format.
      }
    });
  }
}

// Files

function hasFiles(event) {
  return [...(event.dataTransfer?.types ?? [])].includes("Files");
}

function accepts(accept, file) {
  const name = file.name.toLowerCase();
  const type = file.type.toLowerCase();
  return accept
    .toLowerCase()
    .split(",")
    .some(
      (entry) =>
        (entry.startsWith(".") && name.endsWith(entry)) ||
        (entry.endsWith("/*") && type.startsWith(entry.slice(0, -1))) ||
        // The server decides what the browser has no type for, or another name.
        (entry.includes("/") && (entry === type || !type || /\.[a-z0-9]+$/.test(name)))
    );
}

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const child of some) found.push(...(await filesIn(child)));
  }
}

// The form waits for its files

const held = new WeakMap();

function busyIn(form) {
  return [...active].filter((row) => row.widget.input.form === form);
}

addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    const count = busyIn(form).length;
    if (!count) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const widget = busyIn(form)[0].widget;
    const text = widget.text("hold", { count });
    widget.say(text);
    if (!held.has(form)) {
      const note = make("span", { class: "s3store-hold" }, text);
      (event.submitter ?? widget.root).after(note);
      held.set(form, { submitter: event.submitter, note });
      form.setAttribute("aria-busy", "true");
    }
  },
  { capture: true }
);

function release(form) {
  const waiting = form && held.get(form);
  if (!waiting || busyIn(form).length) return;
  held.delete(form);
  waiting.note.remove();
  form.removeAttribute("aria-busy");
  const failed = [...form.querySelectorAll(ROOT)].find((root) =>
    widgets.get(root)?.files.some((row) => row.shown === "failed")
  );
  // After the promise that ended has drawn its row.
  if (failed) setTimeout(() => widgets.get(failed).input.focus());
  else setTimeout(() => form.requestSubmit(waiting.submitter ?? undefined));
}

// The page

function warn(event) {
  event.preventDefault();
}

function guard() {
  if (active.size) addEventListener("beforeunload", warn);
  else removeEventListener("beforeunload", warn);
}

for (const name of ["dragover", "drop"]) {
  addEventListener(name, (event) => {
    // A file dropped beside the field would replace the page, and the form with it.
    if (hasFiles(event) && document.querySelector(ROOT)) event.preventDefault();
  });
}

function start(root) {
  const input = root.querySelector("input[type=file]");
  if (!widgets.has(root) && input && !input.name.includes("__prefix__")) widgets.set(root, new Widget(root));
}

function startIn(node) {
  if (node.matches?.(ROOT)) start(node);
  node.querySelectorAll?.(ROOT).forEach(start);
}

function leaveIn(node) {
  if (node.isConnected) return;
  for (const root of [...(node.matches?.(ROOT) ? [node] : []), ...(node.querySelectorAll?.(ROOT) ?? [])]) {
    widgets.get(root)?.leave();
  }
}

addEventListener("formset:added", (event) => startIn(event.target));
new MutationObserver((changes) => {
  for (const change of changes) {
    change.addedNodes.forEach(startIn);
    change.removedNodes.forEach(leaveIn);
  }
}).observe(document, { childList: true, subtree: true });
startIn(document);
