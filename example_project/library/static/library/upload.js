// Drag and drop, the name of the chosen file, an error for large files before the upload, and progress during it.
// The form also works without this module. Texts and limits are in data- attributes.

const LARGE = 1024 * 1024;
const UNITS = ["bytes", "KB", "MB", "GB"];

function humanSize(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const language = document.documentElement.lang || undefined;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: unit === 0 ? 0 : 1 });
  return `${number.format(value)}\u00a0${UNITS[unit]}`;
}

class DropArea {
  constructor(area) {
    this.area = area;
    this.input = area.querySelector("input[type=file]");
    this.chosen = area.querySelector("[data-drop-chosen]");
    this.errors = area.parentElement.querySelector("[data-drop-errors]");
    this.limit = Number(area.dataset.maxBytes);
    this.depth = 0;

    area.classList.add("is-enhanced");
    this.input.addEventListener("change", () => this.show());
    area.addEventListener("dragenter", (event) => this.enter(event));
    area.addEventListener("dragover", (event) => event.preventDefault());
    area.addEventListener("dragleave", () => this.leave());
    area.addEventListener("drop", (event) => this.drop(event));
    // The browser keeps the choice when someone comes back to the page.
    if (this.input.files.length > 0) this.show();
  }

  get isAcceptable() {
    const file = this.input.files[0];
    return !file || file.size <= this.limit;
  }

  enter(event) {
    event.preventDefault();
    this.depth += 1;
    this.area.classList.add("is-over");
  }

  leave() {
    this.depth -= 1;
    if (this.depth <= 0) this.calm();
  }

  calm() {
    this.depth = 0;
    this.area.classList.remove("is-over");
  }

  drop(event) {
    event.preventDefault();
    this.calm();
    const { files } = event.dataTransfer;
    if (files.length > 1) {
      this.say(this.area.dataset.oneOnly);
    } else if (files.length === 1) {
      this.input.files = files;
      this.show();
    }
  }

  show() {
    const file = this.input.files[0];
    this.chosen.textContent = file ? `${file.name} (${humanSize(file.size)})` : "";
    this.say(this.isAcceptable ? "" : this.area.dataset.tooLarge);
  }

  say(message) {
    this.errors.replaceChildren();
    this.errors.hidden = !message;
    this.area.parentElement.classList.toggle("has-error", Boolean(message));
    this.input.setAttribute("aria-invalid", message ? "true" : "false");
    if (message) {
      const item = document.createElement("li");
      item.textContent = message;
      this.errors.append(item);
    }
  }
}

class UploadForm {
  constructor(form) {
    this.form = form;
    this.button = form.querySelector("[data-submit]");
    this.label = this.button.textContent;
    this.progress = form.querySelector("[data-progress]");
    this.area = new DropArea(form.querySelector("[data-drop]"));

    form.addEventListener("submit", (event) => this.submit(event));
    // A file that is dropped beside the area must not replace the page.
    for (const type of ["dragover", "drop"]) {
      document.addEventListener(type, (event) => event.preventDefault());
    }
    // The back button may restore the page in its last state.
    window.addEventListener("pageshow", () => this.rest());
  }

  submit(event) {
    if (!this.area.isAcceptable) {
      event.preventDefault();
      this.area.input.focus();
      return;
    }
    this.button.disabled = true;
    this.button.textContent = this.form.dataset.busy;
    if (this.area.input.files[0]?.size > LARGE) {
      event.preventDefault();
      this.send();
    }
  }

  // A form that the browser sends reports no progress.
  send() {
    const request = new XMLHttpRequest();
    request.open("POST", this.form.action);
    request.setRequestHeader("Accept", "application/json, text/html");
    request.upload.addEventListener("progress", (event) => {
      this.progress.hidden = false;
      this.progress.value = event.loaded / event.total;
    });
    request.addEventListener("load", () => {
      if (request.getResponseHeader("Content-Type") === "application/json") {
        location.assign(JSON.parse(request.responseText).location);
      } else {
        this.show(new DOMParser().parseFromString(request.responseText, "text/html"));
      }
    });
    request.addEventListener("error", () => {
      this.rest();
      this.area.say(this.progress.dataset.broken);
    });
    request.send(new FormData(this.form));
  }

  // Show the form with its errors, or the error page.
  show(page) {
    const form = page.querySelector("form[data-upload]");
    if (form) {
      this.form.replaceWith(document.adoptNode(form));
      new UploadForm(form);
    } else {
      document.body.replaceWith(document.adoptNode(page.body));
    }
  }

  rest() {
    this.progress.hidden = true;
    this.button.disabled = false;
    this.button.textContent = this.label;
  }
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  new UploadForm(form);
}
