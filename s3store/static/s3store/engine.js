// Uploads files straight to the bucket, without a page: for the widget, and for your own scripts.
//
//   import { Uploader } from "./engine.js";
//   const uploader = new Uploader({ endpoint: "/s3store/", destination: "…" });
//   const task = uploader.add(file, { onChange: (task) => { … } });
//   const { receipt } = await task.result;

const KIB = 1024;
const MIB = 1024 * KIB;
const TRIES = 5;
const LONGEST_WAIT = 20_000;
const STALLED = 30_000;
const ANSWER = 120_000;
const NO_EVENTS = 300_000;
const GIVE_UP = 600_000;
const RENEW_BEFORE = 60_000;
const PROBE = 15_000;
const WINDOW = 10_000;
const REFILL = 16;
const BATCH = 64;
const FILES = 5;
const QUIET = 256 * KIB;
// S3 takes no smaller parts: a file up to this size is one request, and is not remembered.
const WHOLE = 5 * MIB;
const KEEP = 50;
const KEEP_FOR = 24 * 3600_000;
const PREFIX = "s3store:";
const BUSY_STATUS = new Set([0, 408, 429, 500, 502, 503, 504]);
const BUSY_CODES = new Set(["RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable"]);
const GONE = new Set(["upload_gone", "ticket_expired", "ticket_invalid"]);
const ENDED = new Set(["done", "failed", "aborting", "aborted"]);

export class UploadError extends Error {
  constructor(code, message = "", details = {}) {
    super(message || code);
    this.name = "UploadError";
    this.code = code;
    this.details = details;
  }
}

/** The size of the parts that the server chooses for a file of `size` bytes. */
export function partSize(size) {
  const wanted = Math.max(8 * MIB, Math.min(Math.ceil(size / 1000), 512 * MIB), Math.ceil(size / 10_000));
  return Math.ceil(wanted / MIB) * MIB;
}

// Time: a machine that slept must not count as one that waited.

const now = () => performance.now();
const wall = () => Date.now();

class Watch {
  constructor() {
    this.restart();
  }

  restart() {
    this.monotonic = now();
    this.date = wall();
  }

  get elapsed() {
    return Math.max(now() - this.monotonic, wall() - this.date, 0);
  }
}

function aborted() {
  return new DOMException("The upload was cancelled.", "AbortError");
}

function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(aborted());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

const backOff = (attempt) => Math.random() * Math.min(LONGEST_WAIT, 500 * 2 ** attempt);

/** The promise, or an error as soon as the signal is aborted. */
function unless(signal, promise) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted());
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** The speed of an upload over the last ten seconds. */
export class Speed {
  points = [];

  add(loaded, time = now()) {
    this.first ??= loaded;
    this.points.push([time, loaded]);
    while (this.points.length > 2 && time - this.points[1][0] >= WINDOW) this.points.shift();
  }

  /** In bytes per second: 0 in the first three seconds, when nobody knows. */
  get rate() {
    if (!this.points.length) return 0;
    const [[start, before], [end, loaded]] = [this.points[0], this.points.at(-1)];
    return end - start < 3000 ? 0 : ((loaded - before) * 1000) / (end - start);
  }

  /** The seconds until `size` bytes are sent: null while too little of them is. */
  left(size) {
    const { rate } = this;
    const loaded = this.points.at(-1)?.[1];
    return rate && loaded - this.first >= Math.min(size / 20, 16 * MIB) ? (size - loaded) / rate : null;
  }
}

// Who may work at the same time

class Places {
  used = 0;
  waiting = [];

  constructor(limit) {
    this.limit = limit;
  }

  async enter(signal) {
    if (signal.aborted) throw aborted();
    if (this.used < this.limit) {
      this.used += 1;
      return;
    }
    await new Promise((resolve, reject) => {
      const stop = () => {
        this.waiting = this.waiting.filter((other) => other !== next);
        reject(aborted());
      };
      const next = () => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      signal.addEventListener("abort", stop, { once: true });
      this.waiting.push(next);
    });
  }

  leave() {
    this.used -= 1;
    while (this.used < this.limit && this.waiting.length) {
      this.used += 1;
      this.waiting.shift()();
    }
  }
}

/** How many requests go to the storage at once, for the whole page. A browser opens six connections to a host. */
export class Lanes extends Places {
  best = 0;
  bytes = 0;

  constructor() {
    super(3);
    this.since = now();
  }

  slower() {
    this.limit = Math.max(2, Math.floor(this.limit / 2));
    this.best = 0;
  }

  /** Take another lane while that makes all of them together faster by 10 %. */
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
const files = new Places(FILES);

// One request to the storage. XMLHttpRequest, because fetch reports no progress of what it sends.

function send({ method, url, headers = {}, body, size, signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const watch = new Watch();
    let sent = 0;
    let heard = false;
    const stop = () => request.abort();
    const end = (settle, value) => {
      clearInterval(timer);
      signal.removeEventListener("abort", stop);
      settle(value);
    };
    const timer = setInterval(() => {
      const limit = !heard ? NO_EVENTS : sent < size ? STALLED : ANSWER;
      if (watch.elapsed > limit) request.abort();
    }, 1000);
    // Without a listener for progress a small file needs no preflight.
    if (size > QUIET) {
      request.upload.onprogress = (event) => {
        heard = true;
        if (event.loaded > sent) watch.restart();
        sent = event.loaded;
        onProgress(Math.min(sent, size));
      };
    }
    request.onload = () => end(resolve, { status: request.status, code: s3Code(request.responseText) });
    request.onerror = request.onabort = () =>
      signal.aborted ? end(reject, aborted()) : end(resolve, { status: 0, code: "" });
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    signal.addEventListener("abort", stop, { once: true });
    request.send(body);
  });
}

function s3Code(text) {
  return /<Code>([A-Za-z0-9]{1,60})<\/Code>/.exec(text || "")?.[1] ?? "";
}

async function readable(file, start) {
  try {
    await file.slice(start, start + 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

// What is remembered over a reload: tickets of unfinished uploads, under a digest, without names.

const memory = {
  read(key) {
    try {
      return JSON.parse(localStorage.getItem(PREFIX + key));
    } catch {
      return null;
    }
  },
  write(key, value) {
    try {
      this.tidy();
      localStorage.setItem(PREFIX + key, JSON.stringify({ ...value, at: wall() }));
    } catch {
      // Full or forbidden: the upload goes on, and cannot be continued after a reload.
    }
  },
  forget(key) {
    try {
      localStorage.removeItem(PREFIX + key);
    } catch {
      // As above.
    }
  },
  tidy() {
    const found = Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => [this.read(key.slice(PREFIX.length))?.at ?? 0, key])
      .sort();
    for (const [index, [at, key]] of found.entries()) {
      if (wall() - at > KEEP_FOR || index < found.length - KEEP + 1) localStorage.removeItem(key);
    }
  },
};

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** A digest that finds the same file again: null where the page has no secure context. */
async function fingerprint(file, destination) {
  if (!globalThis.crypto?.subtle) return null;
  try {
    const label = [destination, file.name, file.size, file.lastModified].join("\n");
    const ends = [file.slice(0, 64 * KIB), file.slice(Math.max(0, file.size - 64 * KIB))];
    const whole = await new Blob([label, "\n", ...ends]).arrayBuffer();
    return hex(await crypto.subtle.digest("SHA-256", whole));
  } catch {
    return null;
  }
}

/** Hold the lock of one file among the tabs of the browser: false if another tab has it. */
function hold(name, work) {
  if (!name || !navigator.locks) return work(true);
  return navigator.locks.request(PREFIX + name, { ifAvailable: true }, (lock) => work(Boolean(lock)));
}

// One file

export class Task {
  state = "queued";
  reason = "";
  loaded = 0;
  error = null;
  receipt = null;
  multipart = false;

  constructor(uploader, file, { onChange = () => {}, resume = true, ticket = null } = {}) {
    this.uploader = uploader;
    this.file = file;
    this.onChange = onChange;
    this.resumes = resume;
    this.ticket = ticket;
    this.stop = new AbortController();
    this.halt = new AbortController();
    this.sent = new Set();
    this.answered = 0;
    this.running = new Map();
    this.watch = new Watch();
    this.result = this.run();
    this.result.catch(() => {});
  }

  // Control

  pause() {
    if (!this.multipart || this.phase !== "uploading" || this.wake || this.paused || ENDED.has(this.state)) return;
    this.paused = new Promise((resolve) => (this.unpause = resolve));
    this.change("paused");
    this.halt.abort();
  }

  /** Continue after a pause, or after a login. */
  resume() {
    this.unpause?.();
    this.wake?.();
  }

  /** Stop, and delete what has arrived. An upload that is being completed cannot be cancelled. */
  cancel() {
    if (this.state === "finishing" || ENDED.has(this.state)) return;
    this.change("aborting");
    this.stop.abort();
    this.halt.abort();
    this.resume();
  }

  change(state, reason = "") {
    if (this.stop.signal.aborted && !ENDED.has(state)) return;
    if (["beginning", "uploading", "finishing"].includes(state)) this.phase = state;
    this.state = state;
    this.reason = reason;
    this.onChange(this);
  }

  progress() {
    const running = [...this.running.values()].reduce((sum, bytes) => sum + bytes, 0);
    // The browser counts what it has buffered, so that the last percent needs an answer. It never goes back.
    const shown = Math.min(this.answered + running, Math.max(this.answered, this.file.size * 0.99));
    this.loaded = Math.max(this.loaded, shown);
    this.onChange(this);
  }

  // The way of a file

  async run() {
    await null;
    try {
      await this.enter();
      if (this.resumes && this.file.size > WHOLE) this.mark = await fingerprint(this.file, this.destination);
      this.receipt = await hold(this.mark, (mine) => {
        if (!mine) this.mark = null;
        return this.upload();
      });
      this.loaded = this.file.size;
      this.change("done");
      return { receipt: this.receipt, name: this.name, size: this.file.size, type: this.type };
    } catch (error) {
      if (this.stop.signal.aborted) {
        const gone = this.abandon();
        if (navigator.onLine) await gone;
        this.change("aborted");
        throw aborted();
      }
      this.error = error instanceof UploadError ? error : new UploadError("failed", String(error?.message ?? error));
      if (this.error.code === "file_changed") this.abandon();
      this.change("failed");
      throw this.error;
    } finally {
      this.leave();
    }
  }

  async enter() {
    await files.enter(this.stop.signal);
    this.inside = true;
  }

  leave() {
    if (this.inside) files.leave();
    this.inside = false;
  }

  get destination() {
    return this.uploader.destination;
  }

  async upload() {
    let known = this.ticket ?? (this.mark && memory.read(this.mark)?.ticket);
    this.change("beginning");
    for (let losses = 0; ; ) {
      try {
        return await (known ? this.continued(known) : this.fresh());
      } catch (error) {
        const lost = GONE.has(error.code);
        if (this.stop.signal.aborted || (!lost && error.details?.storage_code !== "NoSuchUpload")) throw error;
        losses += 1;
        if (losses > 3) throw error;
        // S3 forgot the parts: ask Django whether the file is complete, or begin again.
        known = lost ? null : this.ticket;
        if (!known) this.forget();
        this.loaded = 0;
        this.change("beginning", "again");
      }
    }
  }

  remember() {
    if (this.mark) memory.write(this.mark, { ticket: this.ticket });
  }

  forget() {
    if (this.mark) memory.forget(this.mark);
    this.ticket = null;
  }

  async begin() {
    const { name, size, type } = this.file;
    const begun = await this.ask("begin", { destination: this.destination, name, size, type });
    this.name = begun.name;
    this.type = begun.type;
    this.ticket = begun.ticket;
    if (this.stop.signal.aborted) throw aborted();
    return begun;
  }

  async fresh() {
    const begun = await this.begin();
    if (begun.mode !== "multipart") return this.whole(begun);
    this.remember();
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
    this.ticket = listed.ticket;
    this.remember();
    return this.parts(listed, [], listed.parts);
  }

  async whole(begun) {
    let made = begun;
    let age = new Watch();
    await this.deliver(this.file, 0, 0, async (again) => {
      if (again || age.elapsed > (made.expires_in - 10) * 1000) {
        made = await this.begin();
        age = new Watch();
      }
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
          if (this.sent.delete(number)) this.answered -= this.sizeOf(number, step);
        }
      }
    }
  }

  async complete() {
    const stored = await this.ask("complete", { ticket: this.ticket });
    this.forget();
    this.name = stored.name;
    this.type = stored.type;
    return stored.receipt;
  }

  sizeOf(number, step) {
    return Math.min(step, this.file.size - (number - 1) * step);
  }

  async sendAll(todo, step) {
    while (todo.length) {
      if (this.paused) {
        // Others may go on meanwhile.
        this.leave();
        await this.paused;
        this.paused = null;
        this.unpause = null;
        await this.enter();
        this.watch.restart();
      }
      this.halt = new AbortController();
      this.change("uploading");
      const ended = await Promise.allSettled(Array.from({ length: 5 }, () => this.work(todo, step)));
      const failed = ended.find((one) => one.status === "rejected" && one.reason.name !== "AbortError");
      if (failed) throw failed.reason;
      if (this.stop.signal.aborted) throw aborted();
    }
    this.paused = null;
  }

  async work(todo, step) {
    while (todo.length && !this.halt.signal.aborted) {
      const number = todo.shift();
      const start = (number - 1) * step;
      const body = this.file.slice(start, start + this.sizeOf(number, step));
      try {
        await this.deliver(body, start, number, async (again) => {
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

  // URLs of parts, in batches, before they are needed

  keep(signed, seconds) {
    const life = seconds * 1000;
    const until = wall() + life - Math.min(RENEW_BEFORE, life / 2);
    for (const part of signed) this.urls.set(part.number, { url: part.url, until });
  }

  async url(number, todo) {
    const stale = (other) => !(this.urls.get(other)?.until > wall());
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

  // Sending, with patience

  /** Send bytes until the storage has them. `make` returns the request: a newly signed one for `true`. */
  async deliver(body, start, number, make) {
    const { signal } = this.halt;
    let refusals = 0;
    let lost = false;
    let again = false;
    for (let attempt = 0; ; ) {
      if (!navigator.onLine) await unless(signal, this.outage());
      const made = await make(again);
      again = false;
      await lanes.enter(signal);
      let answer;
      try {
        if (this.state !== "uploading" && !this.wake) this.change("uploading");
        answer = await send({
          ...made,
          size: body.size,
          signal,
          onProgress: (bytes) => {
            if (bytes > (this.running.get(number) ?? 0)) this.watch.restart();
            this.running.set(number, bytes);
            this.progress();
          },
        });
      } finally {
        lanes.leave();
        this.running.delete(number);
      }
      const { status, code } = answer;
      // The answer of an upload that S3 took may have been lost.
      if ((status >= 200 && status < 300) || (status === 412 && lost)) {
        this.watch.restart();
        if (!this.sent.has(number)) this.answered += body.size;
        this.sent.add(number);
        lanes.sent(body.size);
        this.progress();
        return;
      }
      const error = refused(answer, made.url);
      if (status === 0) {
        if (body.size && !(await readable(this.file, start))) throw new UploadError("file_changed");
        lost = true;
        // A 403 without CORS headers looks the same: sign again.
        again = attempt === 2;
      } else if (status === 403 && code !== "RequestTimeTooSkewed") {
        refusals += 1;
        if (refusals > 1) throw error;
        again = true;
        continue;
      } else if (!BUSY_STATUS.has(status) && !BUSY_CODES.has(code)) {
        throw error;
      }
      if (status === 429 || status === 503) lanes.slower();
      attempt = await this.patience(attempt, error, signal);
    }
  }

  /** Wait for the next try, and return its number. Throws the error if there is none. */
  async patience(attempt, error, signal) {
    if (error.details.status === 0) {
      const tired = attempt + 1 >= TRIES;
      if (!navigator.onLine || (tired && !(await this.uploader.reachable()))) {
        await unless(signal, this.outage(error));
        return 0;
      }
    }
    if (attempt + 1 >= TRIES || this.watch.elapsed > GIVE_UP) throw error;
    const wait = (error.details.retry_after ?? 0) * 1000;
    if (wait > 5000) this.change("waiting", "busy");
    await sleep(wait + backOff(attempt), signal);
    if (wait > 5000) this.change(this.phase);
    return attempt + 1;
  }

  /** Wait until Django answers again, for all parts at once. Throws the error after ten minutes with a network. */
  outage(error) {
    this.waits ??= this.outlast(error).finally(() => (this.waits = null));
    this.waits.catch(() => {});
    return this.waits;
  }

  async outlast(error) {
    const watch = new Watch();
    this.change("waiting", "offline");
    do {
      if (!navigator.onLine) watch.restart();
      if (error && watch.elapsed > GIVE_UP) throw error;
      await new Promise((resolve, reject) => {
        globalThis.addEventListener("online", resolve, { once: true });
        sleep(PROBE, this.stop.signal)
          .then(resolve, reject)
          .finally(() => globalThis.removeEventListener("online", resolve));
      });
    } while (!(await this.uploader.reachable()));
    this.watch.restart();
    if (this.state === "waiting") this.change(this.phase);
  }

  async ask(step, body) {
    const { signal } = this.stop;
    let renewed = false;
    for (let attempt = 0; ; ) {
      if (signal.aborted) throw aborted();
      try {
        // Cancelled on its way, a begin would leave an upload that nobody knows.
        return await this.uploader.call(step, body, step === "begin" ? undefined : signal);
      } catch (error) {
        if (error.code === "login_required") {
          this.change("waiting", "login");
          await new Promise((resolve) => (this.wake = resolve));
          this.wake = null;
          this.change(this.phase);
        } else if (error.code === "ticket_expired" && step !== "parts" && !renewed) {
          renewed = true;
          const listed = await this.ask("parts", { ticket: this.ticket });
          this.ticket = body.ticket = listed.ticket;
          this.remember();
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
    for (let attempt = 0; ticket && attempt < 3; attempt += 1) {
      try {
        await this.uploader.call("abort", { ticket });
        return;
      } catch (error) {
        if (!error.busy) return;
        if (navigator.onLine) await sleep(backOff(attempt));
        else await new Promise((resolve) => globalThis.addEventListener("online", resolve, { once: true }));
      }
    }
  }
}

function request(made, body) {
  // A slice has no type of its own, which the browser would send.
  if (made.mode === "put") return { method: "PUT", url: made.url, headers: made.headers, body: body.slice() };
  const form = new FormData();
  for (const [name, value] of Object.entries(made.fields)) form.append(name, value);
  // The name of the file goes to Django only.
  form.append("file", body, "file");
  return { method: "POST", url: made.url, body: form };
}

function refused({ status, code }, url) {
  const details = { storage_code: code, status, host: new URL(url).host };
  return new UploadError(status === 0 ? "unreachable" : "storage_refused", "", details);
}

// The endpoints of Django

export class Uploader {
  constructor({ endpoint, destination, csrfToken = cookieToken, onToken = () => {} }) {
    this.endpoint = endpoint;
    this.destination = destination;
    this.csrfToken = csrfToken;
    this.onToken = onToken;
  }

  /**
   * Upload a file (or Blob with a name). Returns its Task, whose `result` is a promise of the receipt.
   *
   * Options: `onChange(task)`, `resume` (remember the upload over a reload), and `ticket` of a task that failed.
   */
  add(file, options) {
    return new Task(this, file, options);
  }

  /** Whether Django answers. */
  reachable() {
    this.probe ??= this.token().finally(() => (this.probe = null));
    return this.probe.then(Boolean);
  }

  async token() {
    return (await this.fetch("token", { cache: "no-store" }, PROBE)).json?.csrf_token;
  }

  async call(step, body, signal) {
    let answer = await this.post(step, body, signal);
    if (answer.status === 403 && !answer.json) {
      // The page of Django's CSRF protection: a login in another tab changed the token.
      this.renewed = await this.token();
      if (this.renewed) {
        this.onToken(this.renewed);
        answer = await this.post(step, body, signal);
      }
    }
    const { status, json } = answer;
    if (status >= 200 && status < 300 && json) return json;
    const unknown = status === 403 ? "csrf_failed" : "server_unreachable";
    const { code = unknown, ...details } = json?.error ?? {};
    const error = new UploadError(code, json?.message, { ...details, status });
    error.busy = code === "storage_busy" || code === "throttled" || (!json && BUSY_STATUS.has(status));
    throw error;
  }

  post(step, body, signal) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": this.renewed ?? this.csrfToken() };
    return this.fetch(step, { method: "POST", headers, body: JSON.stringify(body) }, ANSWER, signal);
  }

  async fetch(step, options, milliseconds, signal) {
    const stop = new AbortController();
    const end = () => stop.abort();
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
    try {
      // A redirect leads to a page to log in.
      const all = { credentials: "same-origin", redirect: "manual", signal: stop.signal, ...options };
      const response = await fetch(`${this.endpoint}${step}/`, all);
      if (response.type === "opaqueredirect") return { status: 401, json: { error: { code: "login_required" } } };
      const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
      return { status: response.status, json: isJson ? await response.json() : null };
    } catch {
      if (signal?.aborted) throw aborted();
      return { status: 0, json: null };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
    }
  }
}

function cookieToken() {
  return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}
