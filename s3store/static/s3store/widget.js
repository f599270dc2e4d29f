// The file input in a page.

const ROOT = "[data-s3store-upload]";
const DRAW = 250;
const SPEAK = 10_000;
const ROWS = 100;
const PREVIEWS = 20;
const ENDED = ["done", "failed", "aborted", "form"];
const widgets = new WeakMap();
const active = new Set();
const held = new Map();
let count = 0;
let engine, loading;
let decoding = Promise.resolve();

function make(tag, attributes = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	element.append(...children);
	return element;
}

class Widget {
	constructor(root) {
		this.root = root;
		this.input = root.querySelector("input[type=file]");
		this.texts = JSON.parse(root.dataset.texts);
		this.language = root.closest("[lang]")?.lang || undefined;
		this.most = this.size(root.dataset.maxSize);
		this.multiple = this.input.multiple;
		this.limit = this.multiple ? Number(root.dataset.maxFiles) : 1;
		this.required = this.input.required;
		this.files = [];
		for (const name of ["list", "more", "alert", "status"]) this[name] = root.querySelector(`.s3store-${name}`);
		// Copied rows.
		this.list.replaceChildren();
		const limits = root.querySelector(".s3store-limits");
		limits.id = `s3store-limits-${(count += 1)}`;
		const described = this.input.getAttribute("aria-describedby")?.replace(/s3store-\S+/, "") ?? "";
		this.input.setAttribute("aria-describedby", `${described} ${limits.id}`.trim());
		root.classList.add("s3store-ready");
		for (const hidden of root.querySelectorAll("input[type=hidden][data-name]")) {
			const row = new Row(this, hidden.dataset.name, Number(hidden.dataset.size || 0));
			row.hidden = hidden;
			row.draw("done");
		}
		this.listen();
		// Chosen before, unsent.
		if (!this.input.form?.matches(".htmx-request, [aria-busy]")) this.choose([...this.input.files]);
	}

	text(name, values) {
		const all = { size: this.most, origin, ...values };
		return (this.texts[name] ?? "").replace(/\{(\w+)\}/g, (_, key) => all[key] ?? "");
	}

	format(value, style) {
		return new Intl.NumberFormat(this.language, style).format(value);
	}

	size(bytes) {
		const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
		while (bytes >= 1024 && units.length > 1) [bytes] = [bytes / 1024, units.shift()];
		const unitDisplay = units.length > 4 ? "long" : "short";
		return this.format(bytes, { style: "unit", unit: units[0], unitDisplay, maximumFractionDigits: 1 });
	}

	listen() {
		const { input, root } = this;
		let inside = 0;
		const over = (count) => {
			inside = Math.max(0, count);
			root.classList.toggle("s3store-over", inside > 0);
		};
		input.addEventListener("change", () => this.choose([...input.files]));
		root.addEventListener("dragenter", (event) => hasFiles(event) && over(inside + 1));
		root.addEventListener("dragleave", (event) => hasFiles(event) && over(inside - 1));
		root.addEventListener("drop", (event) => {
			over(0);
			if (hasFiles(event) && !input.disabled) this.drop(event.dataTransfer);
		});
		root.addEventListener("paste", (event) => {
			const pasted = [...event.clipboardData.files];
			if (!pasted.length || input.disabled) return;
			event.preventDefault();
			const name = `pasted-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.png`;
			this.choose(pasted.map((file) => (file.name === "image.png" ? new File([file], name, { type: file.type }) : file)));
		});
	}

	async drop(data) {
		const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
		if (!entries.some((entry) => entry.isDirectory)) return this.choose([...data.files]);
		if (!this.multiple) return this.fail(this.text("no_folders"));
		try {
			this.choose((await Promise.all(entries.map(filesIn))).flat());
		} catch {
			this.fail(this.text("file_changed"));
		}
	}

	choose(chosen) {
		if (chosen.length) this.fail("");
		if (!this.multiple && chosen.length) {
			chosen = chosen.slice(-1);
			const keep = this.refusal(chosen[0]);
			for (const row of [...this.files]) if (!keep || row.shown === "failed") row.discard();
		}
		const room = Math.max(0, this.limit - (this.multiple ? this.files.length : 0));
		if (chosen.length > room) this.fail(this.text("too_many", { count: this.limit }));
		for (const file of chosen.slice(0, room)) this.start(file);
		this.update();
	}

	refusal(file) {
		const { accept, maxSize, minSize } = this.root.dataset;
		if (file.size > maxSize) return this.text("too_large");
		if (file.size === 0 && /^(image|video)\//.test(file.type)) return this.text("empty");
		if (file.size < minSize) return this.text("too_small");
		return accept && !accepts(accept, file) ? this.text("type_refused") : "";
	}

	start(file) {
		const row = new Row(this, file.name, file.size);
		const refusal = this.refusal(file);
		if (refusal) return row.refuse(refusal);
		if (!row.emit("start", { file })) return row.discard();
		row.preview(file);
		return row.upload(file);
	}

	update() {
		const { files, input, list } = this;
		for (const row of files) {
			if (list.childElementCount < ROWS || row.shown === "failed") row.show();
		}
		// It takes the same file again.
		const data = new DataTransfer();
		for (const row of files) if (row.shown === "form") data.items.add(row.file);
		input.files = data.files;
		const count = files.length - list.childElementCount;
		this.more.textContent = count > 0 ? this.text("more", { count: this.format(count) }) : "";
		input.required = this.required && !files.some((row) => row.busy || row.hidden);
		const failed = files.some((row) => row.shown === "failed");
		if (failed) input.setAttribute("aria-invalid", "true");
		else if (this.invalid) {
			input.removeAttribute("aria-invalid");
			this.fail("");
		}
		this.invalid = failed;
	}

	get uploader() {
		const { endpoint, destination } = this.root.dataset;
		const tokens = () => [...document.querySelectorAll("[name=csrfmiddlewaretoken]")];
		this.made ??= new engine.Uploader({
			endpoint,
			destination,
			csrfToken: () => tokens()[0]?.value ?? "",
			onToken: (token) => tokens().forEach((field) => (field.value = token)),
		});
		return this.made;
	}

	fail(text, inRow = false) {
		this.alert.textContent = text;
		this.alert.classList.toggle("s3store-hidden", inRow);
	}

	say(text, now = false) {
		this.next = text;
		if (this.speaking && !now) return;
		clearTimeout(this.speaking);
		const speak = () => {
			this.speaking = this.next && setTimeout(speak, SPEAK);
			if (this.next) this.status.textContent = this.next;
			this.next = "";
		};
		speak();
	}
}

class Row {
	constructor(widget, name, size) {
		Object.assign(this, { widget, name, size });
		widget.files.push(this);
	}

	text(name, values) {
		return this.widget.text(name, { name: this.name, ...values });
	}

	emit(name, more) {
		const { root } = this.widget;
		const detail = { name: this.name, size: this.size, task: this.task, ...more };
		return root.dispatchEvent(new CustomEvent(`s3store:${name}`, { bubbles: true, cancelable: true, detail }));
	}

	show() {
		if (this.element) return;
		const { widget } = this;
		const element = widget.root.querySelector("template").content.firstElementChild.cloneNode(true);
		const [name, size, bar, state, pause, retry, instead, close] = element.querySelectorAll(
			"bdi, .s3store-size, progress, .s3store-state, button"
		);
		Object.assign(this, { element, bar, state, pause, retry, instead, close });
		name.textContent = this.name;
		size.textContent = widget.size(this.size);
		bar.setAttribute("aria-label", this.name);
		pause.onclick = () => (this.shown === "uploading" ? this.task.pause() : this.task.resume());
		retry.onclick = () => this.again();
		instead.onclick = () => this.sendWithForm();
		close.onclick = () => this.remove();
		this.label(retry, "retry");
		this.label(instead, "form_instead");
		if (this.picture) element.prepend(this.picture);
		widget.list.append(element);
		this.draw(this.shown, this.reason);
	}

	label(button, name) {
		button.textContent = this.text(name);
		button.setAttribute("aria-label", this.text(`${name}_name`));
	}

	draw(state, reason = "") {
		this.shown = state;
		this.reason = reason;
		if (!this.element) return;
		const login = reason === "login";
		this.element.dataset.state = state;
		this.state.textContent = this.error || this.text(reason ? `${state}_${reason}` : state);
		this.bar.hidden = ENDED.includes(state);
		this.pause.hidden = !login && !(this.task?.multipart && ["uploading", "paused"].includes(state));
		this.label(this.pause, state === "uploading" ? "pause" : "resume");
		this.retry.hidden = !this.error || !this.file || this.final;
		this.instead.hidden = !this.offer || this.widget.root.dataset.form === "off";
		this.close.hidden = ["finishing", "aborting"].includes(state);
		this.label(this.close, ENDED.includes(state) ? "remove" : "cancel");
	}

	changed(task) {
		if (ENDED.includes(task.state) || this.left) return;
		const offer = !task.answered && task.failures > 1;
		if (offer !== this.offer) {
			this.offer = offer;
			this.draw(this.shown, this.reason);
		}
		if (task.state !== this.shown || task.reason !== this.reason) {
			const before = this.shown;
			this.draw(task.state, task.reason);
			if (task.reason) this.widget.say(this.text(`${task.state}_${task.reason}`));
			if (task.state !== "uploading") return;
			this.speed = new engine.Speed();
			this.widget.say(this.text(["paused", "waiting"].includes(before) ? "said_resumed" : "said_start"));
		}
		if (task.state !== "uploading") return;
		this.timer ??= setTimeout(() => {
			this.timer = null;
			if (!document.hidden && this.shown === "uploading") this.numbers();
		}, DRAW);
	}

	numbers() {
		const { speed, size, widget } = this;
		const { loaded } = this.task;
		speed.add(loaded);
		const part = size ? loaded / size : 0;
		if (this.element) {
			const shown = [widget.format(Math.floor(part * 100) / 100, { style: "percent" })];
			if (speed.rate > 0) shown.push(this.text("speed", { size: widget.size(speed.rate) }));
			const left = speed.left(size);
			if (left !== null) shown.push(this.text("left", { time: this.time(left) }));
			this.bar.value = part * 100;
			this.state.textContent = shown.join(" · ");
		}
		this.emit("progress", { loaded, rate: speed.rate });
		if (widget.files.length === 1 && !this.half && part >= 0.5) {
			this.half = true;
			widget.say(this.text("said_half"));
		}
	}

	time(seconds) {
		const [unit, length] = seconds < 60 ? ["second", 5] : seconds < 3600 ? ["minute", 60] : ["hour", 3600];
		const amount = Math.ceil(seconds / length) * (length === 5 ? 5 : 1);
		return this.widget.format(amount, { style: "unit", unit, unitDisplay: "long" });
	}

	async upload(file) {
		const { widget } = this;
		const ticket = this.task?.multipart ? this.task.ticket : null;
		this.file = file;
		this.error = "";
		this.busy = true;
		active.add(this);
		guard();
		this.draw("queued");
		try {
			loading ??= import(widget.root.dataset.engine).finally(() => (loading = null));
			engine = await loading;
			if (this.left || !widget.root.isConnected) return this.discard();
			const remember = widget.root.dataset.resume !== "off";
			this.task = widget.uploader.add(file, { remember, ticket, onChange: (task) => this.changed(task) });
			const { receipt } = await this.task.result;
			if (!this.left) this.stored(receipt);
		} catch (error) {
			if (!this.left) this.failed(error);
		} finally {
			this.busy = false;
			active.delete(this);
			guard();
			widget.update();
			release();
		}
	}

	stored(receipt) {
		const { files, input, root } = this.widget;
		const data = { "data-name": this.name, "data-size": this.size };
		this.hidden = make("input", { type: "hidden", name: input.name, value: receipt, ...data });
		const next = files.slice(files.indexOf(this)).find((row) => row !== this && row.hidden);
		root.insertBefore(this.hidden, next?.hidden ?? null);
		this.draw("done");
		const total = files.length;
		const count = files.filter((row) => row.hidden).length;
		this.widget.say(total > 1 ? this.text("count", { count, total }) : this.text("said_done"));
		this.emit("success", { receipt });
	}

	failed(error) {
		if (error.name === "AbortError") {
			this.emit("abort");
			return this.discard();
		}
		const { storage_code, host, status } = error.details ?? {};
		this.offer = host && !storage_code && !this.task.answered;
		this.final = status !== 0 && error.code !== "unreachable" && !(status > 428);
		this.refuse(engine?.explain(error, this.text.bind(this)) ?? error.message);
		this.emit("error", { code: error.code, error });
	}

	refuse(text) {
		this.error = text;
		this.draw("failed");
		this.widget.fail(`${this.name}: ${text}`, true);
	}

	again() {
		this.widget.input.focus();
		this.upload(this.file);
		this.widget.update();
	}

	sendWithForm() {
		const { task, widget } = this;
		this.left = true;
		this.error = "";
		this.offer = false;
		this.draw("form");
		widget.input.focus();
		widget.say(this.text("form"));
		task.cancel();
		widget.update();
		this.emit("abort");
	}

	remove() {
		for (const waiting of held.values()) waiting.stopped = true;
		if (!this.busy || !this.task) return this.discard();
		this.widget.input.focus();
		this.task.cancel();
	}

	discard() {
		const { files, input } = this.widget;
		const index = files.indexOf(this);
		const focused = this.element?.contains(document.activeElement);
		this.left = true;
		this.task?.cancel();
		this.hidden?.remove();
		this.element?.remove();
		if (index >= 0) files.splice(index, 1);
		if (focused) (files[Math.min(index, files.length - 1)]?.close ?? input).focus();
		this.widget.update();
	}

	preview(file) {
		if (this.widget.files.length > PREVIEWS || !file.type.startsWith("image/") || file.size > 32 * 1024 * 1024) return;
		// One at a time, for phones.
		decoding = decoding.then(async () => {
			try {
				if (this.left) return;
				const bitmap = await createImageBitmap(file, { resizeWidth: 160 });
				const { width, height } = bitmap;
				this.picture = make("canvas", { class: "s3store-preview", "aria-hidden": "true", width, height });
				this.picture.getContext("2d").drawImage(bitmap, 0, 0);
				bitmap.close();
				this.element?.prepend(this.picture);
			} catch {}
		});
	}
}

function hasFiles(event) {
	return [...(event.dataTransfer?.types ?? [])].includes("Files");
}

function accepts(accept, file) {
	const name = file.name.toLowerCase();
	const type = file.type.toLowerCase();
	const allows = (entry) =>
		entry.startsWith(".")
			? name.endsWith(entry)
			: !type || (entry.endsWith("/*") ? type.startsWith(entry.slice(0, -1)) : entry === type || name.includes("."));
	return accept.toLowerCase().split(",").some(allows);
}

async function filesIn(entry) {
	if (entry.isFile) return [await new Promise((...both) => entry.file(...both))];
	const reader = entry.createReader();
	const found = [];
	for (;;) {
		const some = await new Promise((...both) => reader.readEntries(...both));
		if (!some.length) return found;
		for (const child of some) found.push(...(await filesIn(child)));
	}
}

function rowsIn(form) {
	const found = [...document.querySelectorAll(ROOT)].map((root) => widgets.get(root));
	return found.flatMap((widget) => (widget?.input.form === form ? widget.files : []));
}

addEventListener(
	"submit",
	(event) => {
		const form = event.target;
		const rows = rowsIn(form);
		const busy = rows.find((row) => row.busy);
		const failed = rows.find((row) => row.shown === "failed");
		if (!busy && !failed) return;
		event.preventDefault();
		event.stopImmediatePropagation();
		if (!busy) return complain(failed);
		const text = busy.text("hold");
		busy.widget.say(text, true);
		if (held.has(form)) return;
		const note = make("span", { class: "s3store-hold" }, text);
		(event.submitter?.parentNode ?? form).append(note);
		held.set(form, { submitter: event.submitter, note });
		form.setAttribute("aria-busy", "true");
	},
	{ capture: true }
);

function complain(row) {
	row.widget.fail(row.text("unsent"));
	(row.close ?? row.widget.input).focus();
}

function release() {
	for (const [form, { submitter, note, stopped }] of held) {
		const rows = rowsIn(form);
		if (rows.some((row) => row.busy)) continue;
		held.delete(form);
		note.remove();
		form.removeAttribute("aria-busy");
		const failed = rows.find((row) => row.shown === "failed");
		if (failed) complain(failed);
		else if (!stopped && form.isConnected) form.requestSubmit(submitter?.form === form ? submitter : undefined);
	}
}

function warn(event) {
	event.preventDefault();
}

function guard() {
	(active.size ? addEventListener : removeEventListener)("beforeunload", warn);
}

for (const name of ["dragover", "drop"]) {
	addEventListener(name, (event) => {
		if (!hasFiles(event) || event.defaultPrevented || !document.querySelector(ROOT)) return;
		// It would replace the page.
		event.preventDefault();
		if (!event.target.closest?.(ROOT)) event.dataTransfer.dropEffect = "none";
	});
}

function rootsIn(node) {
	return [...(node.matches?.(ROOT) ? [node] : []), ...(node.querySelectorAll?.(ROOT) ?? [])];
}

function startIn(node) {
	for (const root of rootsIn(node)) {
		const input = root.querySelector("input[type=file]");
		if (input && !widgets.has(root) && !input.name.includes("__prefix__")) widgets.set(root, new Widget(root));
	}
}

function leaveIn(node) {
	if (node.isConnected) return;
	for (const root of rootsIn(node)) {
		for (const row of widgets.get(root)?.files ?? []) row.task?.cancel();
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
