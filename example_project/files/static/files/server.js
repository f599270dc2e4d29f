// Requests to the site: forms as a browser sends them, answered with JSON or with a part of a page.

import { text } from "./texts.js";

const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";

async function answered(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch {
    return { ok: false, status: 0, json: { state: "error", message: text("unreachable") } };
  }
  if (response.redirected && response.url.includes("/login/")) location.assign(response.url);
  const { ok, status } = response;
  const type = response.headers.get("Content-Type") ?? "";
  if (type.startsWith("application/json")) return { ok, status, json: await response.json() };
  if (status === 404 || status === 403 || status >= 500) return { ok, status, json: { state: "error", message: text("error") } };
  return { ok, status, html: await response.text() };
}

export function post(url, data, part = "") {
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  if (part) headers["X-Fragment"] = part;
  return answered(url, { method: "POST", headers, body: data instanceof FormData ? data : form(data) });
}

export function get(url, part) {
  return answered(url, { headers: { "X-Fragment": part } });
}

export function form(values) {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) {
    for (const each of [value].flat()) data.append(name, each);
  }
  return data;
}

export function parsed(html) {
  // Scripts in it never run, and it comes from our own templates.
  return new DOMParser().parseFromString(html, "text/html");
}
