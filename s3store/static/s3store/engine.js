const KIB = 1024;
const MIB = 1024 * KIB;
const TRIES = 5;
const STALLED = 30_000;
const ANSWER = 120_000;
const NO_EVENTS = 300_000;
const GIVE_UP = 600_000;
const RENEW_BEFORE = 60_000;
const PROBE = 15_000;
const REFILL = 16;
const BATCH = 64;
const QUIET = 256 * KIB;
const WHOLE = 5 * MIB;
const PREFIX = "s3store:";
const BUSY_STATUS = [0, 408, 429, 500, 502, 503, 504];
const BUSY_CODES = ["RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable"];
const GONE = ["upload_gone", "ticket_expired", "ticket_invalid"];
const ENDED = ["done", "failed", "aborting", "aborted"];

export class UploadError extends Error {
	constructor(code, details = {}, message = code) {
		super(message);
		Object.assign(this, { name: "UploadError", code, details });
	}
}

export function partSize(size) {
	const wanted = Math.max(8 * MIB, Math.min(Math.ceil(size / 1000), 512 * MIB), Math.ceil(size / 10_000));
	return Math.ceil(wanted / MIB) * MIB;
}

const blocked = [];
globalThis.addEventListener?.("securitypolicyviolation", (event) => blocked.push(event.blockedURI));

export function explain({ code, details, message }, text) {
	const { storage_code, host } = details ?? {};
	const values = { code: storage_code ?? code, host };
	const closed = code === "unreachable" && blocked.some((uri) => uri.includes(host));
	const said = text(storage_code, values) || text(closed ? "blocked" : code, values);
	return said || (message !== code && message) || text("storage_refused", values);
}

let ahead = 0;
// One clock stops in sleep, the other can be set.
const now = () => performance.now() + (ahead = Math.max(ahead, Date.now() - performance.now()));

async function unless(signal, promise) {
	signal.throwIfAborted();
	const stop = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
	return Promise.race([promise, stop]);
}

const sleep = (milliseconds, signal) => unless(signal, new Promise((resolve) => setTimeout(resolve, milliseconds)));

const backOff = (attempt) => Math.random() * Math.min(20_000, 500 * 2 ** attempt);

export class Speed {
	points = [];

	add(loaded, time = now()) {
		this.first ??= loaded;
		this.points.push([time, loaded]);
		while (this.points.length > 2 && time - this.points[1][0] >= 10_000) this.points.shift();
	}

	get rate() {
		if (!this.points.length) return 0;
		const [[start, before], [end, loaded]] = [this.points[0], this.points.at(-1)];
		return end - start < 3000 ? 0 : ((loaded - before) * 1000) / (end - start);
	}

	left(size) {
		const { rate } = this;
		const loaded = this.points.at(-1)?.[1];
		return rate && loaded - this.first >= Math.min(size / 20, 16 * MIB) ? (size - loaded) / rate : null;
	}
}

class Places {
	used = 0;
	waiting = [];

	constructor(limit) {
		this.limit = limit;
	}

	enter(signal) {
		const turn = new Promise((resolve) => this.waiting.push([signal, resolve]));
		this.admit();
		return unless(signal, turn);
	}

	admit() {
		while (this.used < this.limit && this.waiting.length) {
			const [signal, resolve] = this.waiting.shift();
			if (signal.aborted) continue;
			this.used += 1;
			resolve();
		}
	}

	leave() {
		this.used -= 1;
		this.admit();
	}
}

export class Lanes extends Places {
	best = 0;
	bytes = 0;

	constructor() {
		super(5);
		this.since = now();
	}

	slower() {
		this.limit = Math.max(2, Math.floor(this.limit / 2));
		this.best = 0;
	}

	sent(bytes, time = now()) {
		this.bytes += bytes;
		const seconds = (time - this.since) / 1000;
		if (seconds < 2) return;
		const rate = this.bytes / seconds;
		if (rate > this.best * 1.1 && this.used >= this.limit) {
			this.best = rate;
			this.limit = Math.min(5, this.limit + 1);
		}
		this.bytes = 0;
		this.since = time;
	}
}

const lanes = new Lanes();
// Two begin early.
const files = new Places(7);

function send({ method, url, headers = {}, body, size, signal, onProgress }) {
	return new Promise((resolve, reject) => {
		signal.throwIfAborted();
		const request = new XMLHttpRequest();
		let heard = now();
		let sent = -1;
		const stop = () => request.abort();
		const timer = setInterval(() => {
			const limit = sent < 0 ? NO_EVENTS : sent < size ? STALLED : ANSWER;
			if (now() - heard > limit) stop();
		}, 1000);
		// It costs a preflight.
		if (size > QUIET) {
			request.upload.onprogress = (event) => {
				if (event.loaded > sent) heard = now();
				sent = event.loaded;
				onProgress(Math.min(sent, size));
			};
		}
		request.onloadend = () => {
			clearInterval(timer);
			signal.removeEventListener("abort", stop);
			// Safari aborts by itself.
			if (signal.aborted) reject(signal.reason);
			else resolve({ status: request.status, code: /<Code>(\w{1,60})<\/Code>/.exec(request.responseText)?.[1] });
		};
		request.open(method, url);
		for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
		signal.addEventListener("abort", stop);
		request.send(body);
	});
}

// Storage may be full or forbidden.
function memory(work) {
	try {
		return work(localStorage);
	} catch {}
}

const recall = (mark) => memory((storage) => JSON.parse(storage.getItem(mark)));
const forget = (mark) => memory((storage) => storage.removeItem(mark));

function remember(mark, ticket) {
	memory((storage) => {
		if (!mark) return;
		const found = Object.keys(storage).filter((key) => key.startsWith(PREFIX) && key !== mark);
		const dated = found.map((key) => [recall(key)?.at ?? 0, key]).sort();
		dated.forEach(([at, key], index) => {
			if (Date.now() - at > 24 * 3600_000 || index <= dated.length - 50) forget(key);
		});
		storage.setItem(mark, JSON.stringify({ ticket, at: Date.now() }));
	});
}

async function fingerprint(file, destination) {
	try {
		const label = [destination, file.name, file.size, file.lastModified, ""].join("\n");
		const ends = [file.slice(0, 64 * KIB), file.slice(-64 * KIB)];
		const digest = await crypto.subtle.digest("SHA-256", await new Blob([label, ...ends]).arrayBuffer());
		return PREFIX + btoa(String.fromCharCode(...new Uint8Array(digest)));
	} catch {}
}

function hold(name, work) {
	if (!name || !navigator.locks) return work(true);
	return navigator.locks.request(name, { ifAvailable: true }, (lock) => work(Boolean(lock)));
}

export class Task {
	state = "queued";
	reason = "";
	loaded = 0;
	answered = 0;
	failures = 0;
	sent = new Set();
	running = new Map();
	stop = new AbortController();
	halt = new AbortController();

	constructor(uploader, file, options) {
		Object.assign(this, { onChange() {}, remember: true, ticket: null, ...options, uploader, file });
		this.result = this.run();
		this.result.catch(() => {});
	}

	pause() {
		if (!this.multipart || this.phase !== "uploading" || this.wake || this.paused || ENDED.includes(this.state)) return;
		this.paused = new Promise((resolve) => (this.unpause = resolve));
		this.change("paused");
		this.halt.abort();
	}

	resume() {
		this.unpause?.();
		this.wake?.();
	}

	cancel() {
		if (this.state === "finishing" || ENDED.includes(this.state)) return;
		this.change("aborting");
		this.stop.abort();
		this.halt.abort();
		this.resume();
	}

	change(state, reason = "") {
		if (ENDED.includes(this.state) && !ENDED.includes(state)) return;
		if (["beginning", "uploading", "finishing"].includes(state)) this.phase = state;
		this.state = state;
		this.reason = reason;
		this.onChange(this);
	}

	progress() {
		const running = [...this.running.values()].reduce((sum, bytes) => sum + bytes, 0);
		// Browsers count buffered bytes.
		const shown = Math.min(this.answered + running, Math.max(this.answered, this.file.size * 0.99));
		this.loaded = Math.max(this.loaded, shown);
		this.onChange(this);
	}

	async run() {
		const { file, stop } = this;
		let entered;
		try {
			await files.enter(stop.signal);
			entered = true;
			if (this.remember && file.size > WHOLE) this.mark = await fingerprint(file, this.uploader.destination);
			const receipt = await hold(this.mark, (mine) => {
				if (!mine) this.mark = null;
				return this.upload();
			});
			this.loaded = file.size;
			this.change("done");
			return { receipt };
		} catch (error) {
			if (stop.signal.aborted) {
				const gone = this.abandon();
				if (navigator.onLine) await gone;
				this.change("aborted");
				throw stop.signal.reason;
			}
			if (error.code === "file_changed") this.abandon();
			this.change("failed");
			throw error instanceof UploadError ? error : new UploadError("failed", {}, String(error));
		} finally {
			if (entered) files.leave();
		}
	}

	async upload() {
		let known = this.ticket ?? recall(this.mark)?.ticket;
		this.change("beginning");
		for (let losses = 0; ; ) {
			try {
				return await (known ? this.continued(known) : this.fresh());
			} catch (error) {
				const lost = GONE.includes(error.code);
				if (this.stop.signal.aborted || (!lost && error.details?.storage_code !== "NoSuchUpload")) throw error;
				if ((losses += 1) > 3) throw error;
				if (lost) this.forget();
				known = this.ticket;
				this.loaded = 0;
				this.change("beginning", "again");
			}
		}
	}

	keepTicket(ticket) {
		this.ticket = ticket;
		remember(this.mark, ticket);
	}

	forget() {
		this.ticket = null;
		forget(this.mark);
	}

	async begin() {
		const { name, size, type } = this.file;
		const begun = await this.ask("begin", { destination: this.uploader.destination, name, size, type });
		this.ticket = begun.ticket;
		this.stop.signal.throwIfAborted();
		return begun;
	}

	async fresh() {
		const begun = await this.begin();
		if (begun.mode !== "multipart") return this.whole(begun);
		this.keepTicket(begun.ticket);
		return this.parts(begun, begun.parts, []);
	}

	async continued(ticket) {
		this.ticket = ticket;
		let listed;
		try {
			listed = await this.ask("parts", { ticket });
		} catch (error) {
			if (error.code === "stored") return this.complete();
			throw error;
		}
		this.keepTicket(listed.ticket);
		return this.parts(listed, [], listed.parts);
	}

	async whole(begun) {
		let made = begun;
		await this.deliver(this.file, 0, async (again) => {
			if (again) made = await this.begin();
			return request(made, this.file);
		});
		return made.receipt;
	}

	async parts(shape, signed, there) {
		const { part_size: step, part_count: count } = shape;
		this.multipart = true;
		this.sent = new Set(there.map((part) => part.number));
		this.answered = there.reduce((sum, part) => sum + part.size, 0);
		this.urls = new Map();
		this.keep(signed, shape.expires_in);
		let todo = Array.from({ length: count }, (_, index) => index + 1).filter((number) => !this.sent.has(number));
		for (let round = 0; ; round += 1) {
			await this.sendAll(todo, step);
			this.change("finishing");
			try {
				return await this.complete();
			} catch (error) {
				if (error.code !== "parts_missing" || round > 2) throw error;
				todo = error.details.missing;
				for (const number of todo) {
					if (this.sent.delete(number)) this.answered -= this.slice(number, step).size;
				}
			}
		}
	}

	async complete() {
		const { receipt } = await this.ask("complete", { ticket: this.ticket });
		this.forget();
		return receipt;
	}

	slice(number, step) {
		return this.file.slice((number - 1) * step, number * step);
	}

	async sendAll(todo, step) {
		while (todo.length) {
			if (this.paused) {
				files.limit += 1;
				files.admit();
				await this.paused;
				files.limit -= 1;
				this.paused = null;
			}
			this.stop.signal.throwIfAborted();
			this.halt = new AbortController();
			this.change("uploading");
			const ended = await Promise.allSettled(Array.from({ length: 5 }, () => this.work(todo, step)));
			const failed = ended.find((one) => one.status === "rejected" && one.reason.name !== "AbortError");
			if (failed) throw failed.reason;
		}
		this.stop.signal.throwIfAborted();
		this.paused = null;
	}

	async work(todo, step) {
		while (todo.length && !this.halt.signal.aborted) {
			const number = todo.shift();
			const body = this.slice(number, step);
			try {
				await this.deliver(body, number, async (again) => {
					if (again) this.urls.delete(number);
					return { method: "PUT", url: await this.url(number, todo), body };
				});
			} catch (error) {
				todo.unshift(number);
				this.halt.abort();
				throw error;
			}
		}
	}

	keep(signed, seconds) {
		const life = seconds * 1000;
		const until = now() + life - Math.min(RENEW_BEFORE, life / 2);
		for (const part of signed) this.urls.set(part.number, { url: part.url, until });
	}

	async url(number, todo) {
		const stale = (other) => !(this.urls.get(other)?.until > now());
		for (;;) {
			const ready = !stale(number);
			if ((!ready || todo.slice(0, REFILL).some(stale)) && !this.signing) {
				const numbers = [number, ...todo].filter(stale).slice(0, BATCH);
				this.signing = this.ask("sign", { ticket: this.ticket, numbers })
					.then((answer) => this.keep(answer.parts, answer.expires_in))
					.finally(() => (this.signing = null));
				this.signing.catch(() => {});
			}
			if (ready) return this.urls.get(number).url;
			await unless(this.halt.signal, this.signing);
		}
	}

	async deliver(body, number, make) {
		const { signal } = this.halt;
		let refusals = 0;
		let again = false;
		for (let attempt = 0; ; ) {
			if (!navigator.onLine) await unless(signal, this.outage());
			const made = await make(again);
			again = false;
			await lanes.enter(signal);
			let status, code;
			try {
				if (this.state !== "uploading" && !this.wake) this.change("uploading");
				({ status, code } = await send({
					...made,
					size: body.size,
					signal,
					onProgress: (bytes) => {
						this.running.set(number, bytes);
						this.progress();
					},
				}));
			} finally {
				lanes.leave();
				this.running.delete(number);
			}
			// Browsers repeat a PUT.
			if ((status && status < 300) || status === 412) {
				if (!this.sent.has(number)) this.answered += body.size;
				this.sent.add(number);
				lanes.sent(body.size);
				this.progress();
				return;
			}
			const details = { storage_code: code, status, host: new URL(made.url).host };
			const error = new UploadError(code ? "storage_refused" : "unreachable", details);
			this.failures += 1;
			this.onChange(this);
			if (status === 0) {
				await body.slice(0, 1).arrayBuffer().catch(() => {
					throw new UploadError("file_changed");
				});
				// Perhaps a 403 without CORS headers.
				again = attempt === 2;
			} else if (status === 403 && code !== "RequestTimeTooSkewed") {
				refusals += 1;
				if (refusals > 1) throw error;
				again = true;
				continue;
			} else if (!BUSY_STATUS.includes(status) && !BUSY_CODES.includes(code)) {
				throw error;
			}
			if (status === 429 || status === 503) lanes.slower();
			attempt = await this.patience(attempt, error, signal);
		}
	}

	async patience(attempt, error, signal) {
		const tired = attempt + 1 >= TRIES;
		if (!error.details.status && (!navigator.onLine || (tired && !(await this.uploader.reachable())))) {
			await unless(signal, this.outage(error));
			return 0;
		}
		if (tired) throw error;
		const wait = (error.details.retry_after ?? 0) * 1000;
		if (wait > 5000) this.change("waiting", "busy");
		await sleep(wait + backOff(attempt), signal);
		if (wait > 5000) this.change(this.phase);
		return attempt + 1;
	}

	outage(error) {
		this.waits ??= this.outlast(error).finally(() => (this.waits = null));
		this.waits.catch(() => {});
		return this.waits;
	}

	async outlast(error) {
		let since = now();
		this.change("waiting", "offline");
		do {
			if (!navigator.onLine) since = now();
			if (error && now() - since > GIVE_UP) throw error;
			const online = new Promise((resolve) => addEventListener("online", resolve, { once: true }));
			await Promise.race([online, sleep(PROBE, this.stop.signal)]);
		} while (!(await this.uploader.reachable()));
		if (this.reason === "offline") this.change(this.phase);
	}

	async ask(step, body) {
		const { signal } = this.stop;
		let renewed = false;
		for (let attempt = 0; ; ) {
			signal.throwIfAborted();
			try {
				// A cancelled begin would leave an upload.
				return await this.uploader.call(step, body, step === "begin" ? undefined : signal);
			} catch (error) {
				signal.throwIfAborted();
				if (error.code === "login_required" && step !== "abort") {
					this.change("waiting", "login");
					await new Promise((resolve) => (this.wake = resolve));
					this.wake = null;
					this.change(this.phase);
				} else if (error.code === "ticket_expired" && step !== "parts" && !renewed) {
					renewed = true;
					const listed = await this.ask("parts", { ticket: this.ticket });
					this.keepTicket((body.ticket = listed.ticket));
				} else if (error.busy) {
					attempt = await this.patience(attempt, error, signal);
				} else {
					throw error;
				}
			}
		}
	}

	async abandon() {
		const { ticket } = this;
		this.forget();
		this.stop = new AbortController();
		if (ticket) await this.ask("abort", { ticket }).catch(() => {});
	}
}

function request(made, body) {
	// Slices have no type.
	if (made.mode === "put") return { method: "PUT", url: made.url, headers: made.headers, body: body.slice() };
	const form = new FormData();
	for (const [name, value] of Object.entries(made.fields)) form.append(name, value);
	form.append("file", body, "file");
	return { method: "POST", url: made.url, body: form };
}

export class Uploader {
	constructor(options) {
		Object.assign(this, { csrfToken: () => "", onToken() {}, ...options });
	}

	add(file, options) {
		return new Task(this, file, options);
	}

	reachable() {
		this.probe ??= this.token().finally(() => (this.probe = null));
		return this.probe.then(Boolean);
	}

	async token() {
		return (await this.fetch("token", {}, PROBE)).json?.csrf_token;
	}

	async call(step, body, signal) {
		let answer = await this.post(step, body, signal);
		if (answer.status === 403 && !answer.json) {
			// The CSRF token changed.
			this.renewed = await this.token();
			if (this.renewed) {
				this.onToken(this.renewed);
				answer = await this.post(step, body, signal);
			}
		}
		const { status, json } = answer;
		if (json && status < 300) return json;
		const unknown = status === 403 ? "csrf_failed" : "server_unreachable";
		const { code = unknown, ...details } = json?.error ?? {};
		const error = new UploadError(code, { ...details, status }, json?.message);
		error.busy = code === "storage_busy" || code === "throttled" || (!json && BUSY_STATUS.includes(status));
		throw error;
	}

	post(step, body, signal) {
		const headers = { "Content-Type": "application/json", "X-CSRFToken": this.renewed ?? this.csrfToken() };
		return this.fetch(step, { method: "POST", headers, body: JSON.stringify(body) }, ANSWER, signal);
	}

	async fetch(step, options, milliseconds, signal) {
		const signals = [AbortSignal.timeout(milliseconds), signal ?? []].flat();
		try {
			const all = { redirect: "manual", signal: AbortSignal.any(signals), ...options };
			const response = await fetch(`${this.endpoint}${step}/`, all);
			if (response.type === "opaqueredirect") return { status: 401, json: { error: { code: "login_required" } } };
			// Pages of errors are HTML.
			return { status: response.status, json: await response.json().catch(() => null) };
		} catch {
			signal?.throwIfAborted();
			return { status: 0 };
		}
	}
}
