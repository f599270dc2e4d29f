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
const REFILL = 16;
const BATCH = 64;
const QUIET = 256 * KIB;
const KEEP = 50;
const KEEP_FOR = 24 * 3600_000;
const PREFIX = "s3store:";
const BUSY_STATUS = new Set([0, 408, 429, 500, 502, 503, 504]);
const BUSY_CODES = new Set(["RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable"]);

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

// Lanes: how many requests go to the storage at once, for the whole page. A browser opens six connections to a host.

class Lanes {
  limit = 3;
  used = 0;
  waiting = [];
  best = 0;
  bytes = 0;
  since = now();

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
    const next = this.used <= this.limit && this.waiting.shift();
    if (next) next();
    else this.used -= 1;
    while (this.used < this.limit && this.waiting.length) {
      this.used += 1;
      this.waiting.shift()();
    }
  }

  slower() {
    this.limit = Math.max(2, Math.floor(this.limit / 2));
    this.best = 0;
  }

  sent(bytes) {
    this.bytes += bytes;
    const seconds = (now() - this.since) / 1000;
    if (seconds < 2) return;
    const rate = this.bytes / seconds;
    if (rate > this.best * 1.1 && this.used >= this.limit) {
      this.best = rate;
      this.limit = Math.min(5, this.limit + 1);
    }
    this.bytes = 0;
    this.since = now();
  }
}

const lanes = new Lanes();

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

  constructor(uploader, file, { onChange = () => {}, resume = true } = {}) {
    this.uploader = uploader;
    this.file = file;
    this.onChange = onChange;
    this.resumes = resume;
    this.cancelled = new AbortController();
    this.running = new Map();
    this.answered = 0;
    this.tries = 0;
    this.watch = new Watch();
    this.result = this.run();
    this.result.catch(() => {});
  }

  // Control

  pause() {
    if (this.state !== "uploading") return;
    this.paused = new Promise((resolve) => (this.unpause = resolve));
    this.change("paused");
    this.halt.abort();
  }

  resume() {
    this.unpause?.();
    this.unpause = null;
    this.wake?.();
  }

  cancel() {
    if (["done", "failed", "finishing", "aborted"].includes(this.state)) return;
    this.change("aborting");
    this.cancelled.abort();
    this.resume();
  }

  change(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.onChange(this);
  }

  progress() {
    const running = [...this.running.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.loaded = Math.min(this.answered + running, Math.max(this.answered, this.file.size * 0.99));
    this.onChange(this);
  }

  // The way of a file

  async run() {
    await null;
    try {
      const mark = this.resumes && this.file.size > 32 * MIB ? await fingerprint(this.file, this.destination) : null;
      this.receipt = await hold(mark, (mine) => this.upload(mine ? mark : null));
      this.loaded = this.file.size;
      this.change("done");
      return { receipt: this.receipt, name: this.name, size: this.file.size, type: this.type };
    } catch (error) {
      if (this.cancelled.signal.aborted) {
        await this.abandon();
        this.change("aborted");
        throw aborted();
      }
      this.error = error instanceof UploadError ? error : new UploadError("failed", String(error?.message ?? error));
      this.change("failed");
      throw this.error;
    }
  }

  get destination() {
    return this.uploader.destination;
  }

  async upload(mark) {
    this.change("beginning");
    const known = mark && memory.read(mark);
    if (known) {
      try {
        return await this.continued(known, mark);
      } catch (error) {
        if (!["upload_gone", "ticket_expired", "ticket_invalid"].includes(error.code)) throw error;
        memory.forget(mark);
      }
    }
    const begun = await this.ask("begin", {
      destination: this.destination,
      name: this.file.name,
      size: this.file.size,
      type: this.file.type,
    });
    this.name = begun.name;
    this.type = begun.type;
    this.ticket = begun.ticket;
    if (begun.mode !== "multipart") return this.whole(begun);
    if (mark) memory.write(mark, { ticket: begun.ticket });
    return this.parts(begun, begun.parts, [], mark);
  }

  async continued(known, mark) {
    this.ticket = known.ticket;
    const listed = await this.ask("parts", { ticket: known.ticket });
    this.ticket = listed.ticket;
    memory.write(mark, { ticket: listed.ticket });
    return this.parts(listed, [], listed.parts, mark);
  }

  async whole(begun) {
    let made = begun;
    let again = false;
    for (;;) {
      const answer = await this.deliver(made, this.file, 0, this.file.size);
      if (answer.ok || (answer.status === 412 && this.tries > 0)) return made.receipt;
      if (answer.status !== 403 || again) throw refused(answer);
      again = true;
      made = await this.ask("begin", {
        destination: this.destination,
        name: this.file.name,
        size: this.file.size,
        type: this.file.type,
      });
      this.ticket = made.ticket;
    }
  }

  async parts(shape, signed, there, mark) {
    const { part_size: step, part_count: count } = shape;
    const have = new Set(there.map((part) => part.number));
    const todo = [];
    for (let number = 1; number <= count; number += 1) if (!have.has(number)) todo.push(number);
    this.answered = there.reduce((sum, part) => sum + part.size, 0);
    this.urls = new Map();
    this.keep(signed, shape.expires_in);
    for (;;) {
      await this.sendAll(todo, step);
      this.change("finishing");
      try {
        const stored = await this.ask("complete", { ticket: this.ticket });
        if (mark) memory.forget(mark);
        this.name = stored.name;
        this.type = stored.type;
        return stored.receipt;
      } catch (error) {
        if (error.code !== "parts_missing" || this.lost) throw error;
        this.lost = true;
        todo.push(...error.details.missing);
      }
    }
  }

  async sendAll(todo, step) {
    while (todo.length) {
      this.halt = new AbortController();
      this.change("uploading");
      const workers = Array.from({ length: 5 }, () => this.work(todo, step));
      const ended = await Promise.allSettled(workers);
      this.running.clear();
      const failed = ended.find((one) => one.status === "rejected" && one.reason.name !== "AbortError");
      if (failed) throw failed.reason;
      if (this.cancelled.signal.aborted) throw aborted();
      if (this.paused) {
        await this.paused;
        this.paused = null;
      }
    }
  }

  async work(todo, step) {
    while (todo.length && !this.halt.signal.aborted) {
      const number = todo.shift();
      try {
        await this.part(number, step, todo);
      } catch (error) {
        todo.unshift(number);
        this.halt.abort();
        throw error;
      }
    }
  }

  async part(number, step, todo) {
    const start = (number - 1) * step;
    const stop = Math.min(start + step, this.file.size);
    let again = false;
    for (;;) {
      const url = await this.url(number, todo);
      const made = { mode: "put", url };
      const answer = await this.deliver(made, this.file.slice(start, stop), start, stop - start, number);
      if (answer.ok) return;
      if (answer.status !== 403 || again) throw refused(answer);
      again = true;
      this.urls.delete(number);
    }
  }

  // URLs of parts, in batches, before they are needed

  keep(signed, seconds) {
    const until = wall() + seconds * 1000;
    for (const part of signed) this.urls.set(part.number, { url: part.url, until });
  }

  fresh(number) {
    const found = this.urls.get(number);
    return found && found.until - wall() > RENEW_BEFORE ? found.url : null;
  }

  async url(number, todo) {
    for (;;) {
      const found = this.fresh(number);
      const next = todo.slice(0, REFILL).filter((other) => !this.fresh(other));
      if ((!found || next.length) && !this.signing) {
        const wanted = [number, ...todo].filter((other) => !this.fresh(other)).slice(0, BATCH);
        this.signing = this.ask("sign", { ticket: this.ticket, numbers: wanted })
          .then((answer) => this.keep(answer.parts, answer.expires_in))
          .finally(() => (this.signing = null));
        this.signing.catch(() => {});
      }
      if (found) return found;
      await this.signing;
    }
  }

  // Sending, with patience

  async deliver(made, body, start, size, number = 0) {
    const signal = this.halt?.signal ?? this.cancelled.signal;
    const both = AbortSignal.any([signal, this.cancelled.signal]);
    for (let attempt = 0; ; attempt += 1) {
      await this.online(both);
      await lanes.enter(both);
      let answer;
      try {
        if (this.state !== "uploading") this.change("uploading");
        answer = await send({
          ...request(made, body),
          size,
          signal: both,
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
      answer.ok = answer.status >= 200 && answer.status < 300;
      if (answer.ok) {
        this.watch.restart();
        this.answered += size;
        lanes.sent(size);
        this.progress();
        return answer;
      }
      if (answer.status === 0 && size && !(await readable(this.file, start))) throw new UploadError("file_changed");
      if (!BUSY_STATUS.has(answer.status) && !BUSY_CODES.has(answer.code)) return answer;
      if (!navigator.onLine) attempt -= 1;
      if (attempt + 1 >= TRIES || this.watch.elapsed > GIVE_UP) throw refused(answer);
      if (answer.status === 429 || answer.status === 503) lanes.slower();
      this.tries += 1;
      await sleep(backOff(attempt), both);
    }
  }

  async online(signal) {
    while (!navigator.onLine) {
      this.change("waiting", "offline");
      await Promise.race([
        new Promise((resolve) => addEventListener("online", resolve, { once: true })),
        sleep(PROBE, signal).then(() => this.uploader.reachable()),
      ]);
      if (await this.uploader.reachable()) return;
    }
  }

  async ask(step, body) {
    for (let attempt = 0; ; attempt += 1) {
      const signal = this.cancelled.signal;
      try {
        return await this.uploader.call(step, body, signal);
      } catch (error) {
        if (error.code === "login_required") {
          this.change("waiting", "login");
          await new Promise((resolve) => (this.wake = resolve));
          this.wake = null;
          if (signal.aborted) throw aborted();
          continue;
        }
        if (!error.busy) throw error;
        if (!navigator.onLine) {
          await this.online(signal);
          attempt -= 1;
        } else if (attempt + 1 >= TRIES) {
          throw error;
        }
        await sleep((error.details.retry_after ?? 0) * 1000 + backOff(attempt), signal);
      }
    }
  }

  async abandon() {
    if (!this.ticket) return;
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        await this.uploader.call("abort", { ticket: this.ticket });
        return;
      } catch (error) {
        if (!error.busy) return;
        await sleep(backOff(attempt), new AbortController().signal);
      }
    }
  }
}

function request(made, body) {
  if (made.mode === "put") return { method: "PUT", url: made.url, headers: made.headers, body: body.slice() };
  const form = new FormData();
  for (const [name, value] of Object.entries(made.fields)) form.append(name, value);
  form.append("file", body);
  return { method: "POST", url: made.url, body: form };
}

function refused(answer) {
  const code = answer.status === 0 ? "unreachable" : "storage_refused";
  return new UploadError(code, "", { storage_code: answer.code, status: answer.status });
}

// The endpoints of Django

export class Uploader {
  constructor({ endpoint, destination, csrfToken = cookieToken, onToken = () => {} }) {
    this.endpoint = endpoint;
    this.destination = destination;
    this.csrfToken = csrfToken;
    this.onToken = onToken;
  }

  /** Upload a file (or Blob with a name). Returns its Task, whose `result` is a promise of the receipt. */
  add(file, options) {
    return new Task(this, file, options);
  }

  async reachable() {
    try {
      return (await fetch(`${this.endpoint}token/`, { cache: "no-store" })).ok;
    } catch {
      return false;
    }
  }

  async call(step, body, signal) {
    let answer = await this.post(step, body, signal);
    if (answer.status === 403 && !answer.json) {
      const renewed = await this.json(await fetch(`${this.endpoint}token/`, { cache: "no-store", signal }));
      this.renewed = renewed?.csrf_token;
      if (this.renewed) {
        this.onToken(this.renewed);
        answer = await this.post(step, body, signal);
      }
    }
    if (answer.ok && answer.json) return answer.json;
    const { code = "unreachable", ...details } = answer.json?.error ?? {};
    const error = new UploadError(code, answer.json?.message, details);
    error.busy = code === "storage_busy" || code === "throttled" || (!answer.json && BUSY_STATUS.has(answer.status));
    throw error;
  }

  async post(step, body, signal) {
    try {
      const response = await fetch(`${this.endpoint}${step}/`, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.renewed ?? this.csrfToken() },
        body: JSON.stringify(body),
        signal,
      });
      const json = response.redirected ? null : await this.json(response);
      return { status: response.redirected ? 0 : response.status, ok: response.ok, json };
    } catch (error) {
      if (signal?.aborted) throw aborted();
      return { status: 0, ok: false, json: null };
    }
  }

  async json(response) {
    if (!response.headers.get("Content-Type")?.startsWith("application/json")) return null;
    try {
      return await response.json();
    } catch {
      return null;
    }
  }
}

function cookieToken() {
  return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}
