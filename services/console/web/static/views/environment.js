// One environment: how it stands, the operation that holds it, its history, its logs, and what can be done.

import { html, nothing } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { ask } from "../actions.js";
import { readText } from "../api.js";
import { badge, duration, health, problem, shortDigest, time, words } from "../format.js";

const MARKS = { succeeded: "done", failed: "failed", running: "running", pending: "pending" };
let log = null; // { operation, text, error }: the log that is shown

export function environmentPage(store, id, changed) {
  const environment = store.environments.get(id);
  if (!environment) {
    return html`<h1>${id}</h1><p>No environment of this name is known. <a href="/">All environments</a></p>`;
  }
  store.readHistory(id);
  if (environment.operation) store.readLog(environment.operation.operation);
  return html`
    <div class="title">
      <h1>${id} ${badge(environment.status)} ${health(environment.health)}</h1>
      <p class="summary">${words(environment.environment_kind)} of ${environment.project}, ${environment.country}</p>
      <div class="buttons" role="group" aria-label="Actions">${actions(environment, changed)}</div>
    </div>
    ${environment.operation ? running(store, environment, changed) : nothing}
    <div class="columns">
      ${image(environment)} ${extensions(environment)}
    </div>
    <section aria-labelledby="history">
      <h2 id="history">History</h2>
      ${historyOf(store, environment, changed)}
    </section>
  `;
}

function historyOf(store, environment, changed) {
  const { state, entries } = store.history.get(environment.environment);
  if (state instanceof Error) return html`<p class="problem" role="alert">${state.message}</p>`;
  const list = [...entries.values()].sort((a, b) => (a.accepted_at < b.accepted_at ? 1 : -1));
  if (list.length) return table(store, environment, list, changed);
  return html`<p class="quiet">${state === "reading" ? "Reading ..." : "No operation has ended yet."}</p>`;
}

function actions(environment, changed) {
  const { environment: id, status, operation } = environment;
  const production = environment.environment_kind === "production";
  const busy = Boolean(operation);
  const where = production ? `the production environment ${id}` : id;
  const restart = {
    title: `Restart a service of ${id}`,
    text: "The service is stopped and started again.",
    stops: `While it restarts, people who work in ${where} are interrupted.`,
    command: "restart-service",
    body: { environment: id },
    fields: [{ name: "service", label: "Service", options: ["AOS", "DIXF", "MR"] }],
    confirm: "Restart the service",
  };
  const on = {
    title: `Switch maintenance mode of ${id} on`,
    text: "Only administrators get in until it is switched off; nothing else can be done to the environment meanwhile.",
    stops: `Everybody else is locked out of ${where}.`,
    command: "enable-maintenance-mode",
    body: { environment: id },
    confirm: "Switch maintenance on",
  };
  const off = {
    title: `Switch maintenance mode of ${id} off`,
    text: "Everybody gets in again.",
    command: "disable-maintenance-mode",
    body: { environment: id },
    confirm: "Switch maintenance off",
  };
  const maintained = status === "InMaintenance";
  const reason = busy ? `${words(operation.operation_kind)} runs` : nothing;
  return html`
    <button @click=${() => ask(restart, changed)} ?disabled=${busy || status !== "Deployed"} title=${reason}>Restart service ...</button>
    ${maintained
      ? html`<button @click=${() => ask(off, changed)} ?disabled=${busy}>Maintenance off ...</button>`
      : html`<button @click=${() => ask(on, changed)} ?disabled=${busy || status !== "Deployed"} title=${reason}>Maintenance on ...</button>`}
  `;
}

function running(store, environment, changed) {
  const operation = environment.operation;
  return html`<section class="panel" aria-labelledby="operation">
    <h2 id="operation">${words(operation.operation_kind)}${operation.update_name ? html` <q>${operation.update_name}</q>` : nothing}
      ${badge(operation.status)}</h2>
    <p class="facts">Accepted ${time(operation.accepted_at)}${operation.actor ? html`, asked by ${operation.actor}` : nothing},
      running for <span class="number">${duration(operation.accepted_at)}</span>${operation.package
        ? html`, package ${operation.package}` : nothing}</p>
    ${problem(operation.problem)}
    ${operation.deadline ? html`<p class="caution">Rolled back at ${time(operation.deadline)} unless somebody decides.</p>` : nothing}
    ${interventions(environment, changed)}
    ${steps(operation.steps)}
    ${liveLog(store.logs.get(operation.operation))}
  </section>`;
}

function interventions({ environment, operation }, changed) {
  const body = { environment, operation: operation.operation };
  if (operation.status === "held") {
    return html`<div class="buttons">
      <button class="primary" @click=${() => ask({ title: "Resume the operation", body, command: "resume-operation",
        text: "The step that failed is tried again.", confirm: "Resume" }, changed)}>Resume ...</button>
      <button class="danger" @click=${() => ask({ title: "Roll the operation back", body, command: "roll-back-operation",
        text: "The operation is given up.", stops: "The environment goes back to the image and the database it had before.",
        confirm: "Roll back" }, changed)}>Roll back ...</button></div>`;
  }
  const stopped = operation.steps.some((step) => step.name === "stop-services" && step.status !== "pending");
  if (stopped || operation.status === "rolling-back" || operation.steps.length < 2) return nothing;
  return html`<div class="buttons"><button @click=${() => ask({ title: "Cancel the operation", body, command: "cancel-operation",
    text: "Possible until the services are stopped; nothing is changed.", confirm: "Cancel the operation" }, changed)}>Cancel operation ...</button></div>`;
}

function steps(list) {
  return html`<ol class="steps">${repeat(list, (step) => step.name, (step) => html`<li class=${step.status}>
    <span class="mark">${MARKS[step.status]}</span>
    <span class="name">${words(step.name)}${step.attempt > 1 ? html` <span class="quiet">attempt ${step.attempt}</span>` : nothing}</span>
    <span class="number">${duration(step.started_at, step.status === "pending" ? null : step.finished_at)}</span>
    ${step.problem ? html`<span class="why">${step.problem.message}</span>` : nothing}
  </li>`)}</ol>`;
}

function liveLog(lines) {
  return lines?.length ? html`<details open><summary>Log, its last lines</summary><pre tabindex="0">${lines.slice(-200).join("\n")}</pre></details>` : nothing;
}

function image({ running: update }) {
  if (!update) return html`<section><h2>Image</h2><p class="quiet">Nothing runs here yet.</p></section>`;
  const { contents } = update;
  return html`<section aria-labelledby="image"><h2 id="image">Image</h2>
    <dl>
      <dt>Update</dt><dd>${update.name}</dd>
      <dt>Digest</dt><dd>${shortDigest(update.image)}</dd>
      <dt>Application</dt><dd class="number">${contents.application_version}</dd>
      <dt>Platform</dt><dd><span class="number">${contents.platform_version}</span> <span class="quiet">${contents.platform_package}</span></dd>
      <dt>Customization</dt><dd>${contents.customization_package ?? "none"}</dd>
      ${contents.base_version ? html`<dt>Base</dt><dd class="number">${contents.base_version}</dd>` : nothing}
      <dt>Modules</dt><dd>${contents.modules.length ? contents.modules.map((one) => html`<span class="chip">${one.name} <span class="number">${one.version}</span></span>`) : "none"}</dd>
      ${contents.dropped.length ? html`<dt>Dropped</dt><dd class="caution">${contents.dropped.join(", ")}: not promotable</dd>` : nothing}
    </dl></section>`;
}

function extensions({ extensions: list, set_version: version }) {
  return html`<section aria-labelledby="extensions"><h2 id="extensions">Extensions <span class="quiet">set ${version}</span></h2>
    ${list.length ? html`<ul class="plain">${list.map((one) => html`<li>${one.name} <span class="number">${one.version}</span>
      <span class="quiet">${one.publisher}, ${one.scope}</span></li>`)}</ul>` : html`<p class="quiet">None installed.</p>`}</section>`;
}

function table(store, environment, history, changed) {
  return html`<table class="history">
    <thead><tr><th scope="col">Accepted</th><th scope="col">Operation</th><th scope="col">Outcome</th>
      <th scope="col">Duration</th><th scope="col">Asked by</th><th scope="col">Sign-off</th><th scope="col"></th></tr></thead>
    <tbody>${repeat(history, (one) => one.entry, (one) => entry(store, environment, one, changed))}</tbody>
  </table>`;
}

function entry(store, environment, one, changed) {
  const open = log?.operation === one.operation;
  return html`<tr>
      <th scope="row">${time(one.accepted_at)}</th>
      <td data-label="Operation">${words(one.operation_kind)}${one.update_name ? html` <q>${one.update_name}</q>` : nothing}
        ${candidate(store, environment, one) ? html`<span class="chip">Candidate</span>` : nothing}
        ${one.package ? html`<br><span class="quiet">${one.package}</span>` : nothing}</td>
      <td data-label="Outcome">${badge(one.outcome)} ${problem(one.problem)}</td>
      <td data-label="Duration" class="number">${duration(one.accepted_at, one.finished_at)}</td>
      <td data-label="Asked by">${one.actor ?? "–"}</td>
      <td data-label="Sign-off">${one.sign_off ? html`${badge(one.sign_off)} <span class="quiet">${one.signed_off_by ?? ""}</span>
        ${one.sign_off_note ? html`<br>${one.sign_off_note}` : nothing}` : "–"}</td>
      <td class="buttons">${entryActions(store, environment, one, changed)}</td>
    </tr>
    ${open ? html`<tr class="detail"><td colspan="7">${steps(one.steps)}
      ${log.error ? html`<p class="problem" role="alert">${log.error}</p>` : html`<pre tabindex="0" aria-label="Log">${log.text ?? "Reading ..."}</pre>`}</td></tr>` : nothing}`;
}

const candidate = (store, { environment }, one) =>
  one.update_name && [...store.candidates.values()].some((known) =>
    known.environment === environment && known.update.name === one.running?.name && one.running.name === one.update_name);

function entryActions(store, environment, one, changed) {
  const id = environment.environment;
  const applied = one.outcome === "succeeded" && one.update_name;
  const body = { environment: id, update_name: one.update_name };
  const signOff = {
    title: `Sign off ${one.update_name}`,
    text: `What do you say after trying it in ${id}? It is recorded in the history; nothing else depends on it.`,
    command: "sign-off-update",
    body,
    fields: [{ name: "sign_off", label: "Verdict", options: ["clean", "with-issues"] }, { name: "note", label: "Note" }],
    confirm: "Sign off",
  };
  const mark = {
    title: `Mark ${one.update_name} as release candidate`,
    text: "Its image may then be promoted to production as a whole.",
    command: "mark-candidate",
    body,
    confirm: "Mark as candidate",
  };
  const markable = applied && environment.environment_kind === "sandbox" && !candidate(store, environment, one);
  return html`
    <button aria-expanded=${log?.operation === one.operation ? "true" : "false"} @click=${() => toggleLog(one, changed)}>Log</button>
    ${applied ? html`<button @click=${() => ask(signOff, changed)}>Sign off ...</button>` : nothing}
    ${markable ? html`<button @click=${() => ask(mark, changed)}>Mark candidate ...</button>` : nothing}`;
}

async function toggleLog(one, changed) {
  if (log?.operation === one.operation) {
    log = null;
    return changed();
  }
  const mine = { operation: one.operation };
  log = mine;
  changed();
  try {
    mine.text = (await readText(`operations/${encodeURIComponent(one.operation)}/log`)) || "No step had begun.";
  } catch (error) {
    mine.error = error.message;
  }
  changed();
}
