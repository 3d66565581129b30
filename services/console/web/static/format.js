// How values look to people. Times are UTC and say so; the browser's own time stands in the title.

import { html, nothing } from "lit-html";

const two = (number) => String(number).padStart(2, "0");

export function utc(text, { seconds = true } = {}) {
  const at = new Date(text);
  const day = `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  return `${day} ${time}${seconds ? `:${two(at.getUTCSeconds())}` : ""} UTC`;
}

export function time(text, options) {
  if (!text) return "–";
  const local = new Date(text).toLocaleString(undefined, { timeZoneName: "short" });
  return html`<time datetime=${text} title=${local}>${utc(text, options)}</time>`;
}

export function duration(from, to) {
  if (!from) return "";
  const seconds = Math.max(0, (new Date(to ?? Date.now()) - new Date(from)) / 1000);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(Math.floor(seconds % 60))} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}

const WORDS = {
  PostServicing: "Post-servicing",
  RestartingService: "Restarting service",
  InMaintenance: "In maintenance",
  RollingBack: "Rolling back",
};

export const words = (name) => WORDS[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " ");

export const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

const TONES = {
  good: ["Deployed", "succeeded", "completed", "valid", "live", "clean", "healthy"],
  busy: ["Provisioning", "Queued", "Servicing", "PostServicing", "RestartingService", "Validating", "queued", "preparing",
    "running", "checking", "starting", "started", "submitted", "connecting"],
  warn: ["InMaintenance", "RollingBack", "held", "recovering", "rolling-back", "rolled-back", "cancelled", "check-failed", "waiting",
    "with-issues", "quarantined"],
  bad: ["Failed", "degraded", "failed", "invalid", "refused"],
};
const TONE_OF = Object.fromEntries(Object.entries(TONES).flatMap(([tone, names]) => names.map((one) => [one, tone])));

export const tone = (status) => TONE_OF[status] ?? "plain";

export const badge = (status) => html`<span class="badge ${tone(status)}">${words(status)}</span>`;

// Which services of an environment have ended by themselves; nothing where all run, or nobody watches.
export function health(value) {
  if (!value || value.level === "healthy") return nothing;
  const services = value.services.map((one) => one.service).join(", ");
  const what = `${services} ended by itself, seen at ${utc(value.since)}`;
  return html`<span title=${what}>${badge(value.level)} <span class="quiet">${services}</span></span>`;
}

export const shortDigest = (digest) =>
  digest ? html`<code title=${digest}>${digest.slice(7, 19)}</code>` : nothing;

export function problem(value) {
  return value ? html`<p class="problem"><code>${value.reason}</code> ${value.message}</p>` : nothing;
}
