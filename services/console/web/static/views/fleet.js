// All environments, by project: what each runs, and what is being done to it.

import { html, nothing } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { badge, count, duration, health, words } from "../format.js";

const TROUBLE = new Set(["Failed", "RollingBack", "InMaintenance"]);
let wanted = "";

export function fleetPage(store, changed) {
  const all = [...store.environments.values()];
  const shown = all.filter((one) => `${one.project} ${one.environment}`.includes(wanted));
  const projects = [...new Set(shown.map((one) => one.project))].sort();
  return html`
    <div class="title">
      <h1>Fleet</h1>
      <p class="summary">${summary(all)}</p>
      <label class="search">Find <input type="search" placeholder="environment or project" .value=${wanted}
        @input=${(event) => { wanted = event.target.value.trim().toLowerCase(); changed(); }}></label>
    </div>
    ${all.length ? nothing : html`<p class="quiet">No environment is registered yet.</p>`}
    ${repeat(projects, (project) => project, (project) => board(project, shown))}
  `;
}

function summary(all) {
  const busy = all.filter((one) => one.operation).length;
  const trouble = all.filter((one) => TROUBLE.has(one.status) || one.health?.level === "degraded" ||
    one.operation?.status === "held").length;
  return `${count(all.length, "environment")}, ${busy} with an operation, ${trouble} needing attention`;
}

function board(project, shown) {
  const rows = shown
    .filter((one) => one.project === project)
    .sort((a, b) => a.environment_kind.localeCompare(b.environment_kind) || a.environment.localeCompare(b.environment));
  return html`<section aria-labelledby="project-${project}">
    <h2 id="project-${project}">${project}</h2>
    <table class="fleet">
      <thead><tr><th scope="col">Environment</th><th scope="col">Status</th><th scope="col">Running update</th>
        <th scope="col">Application</th><th scope="col">Operation</th></tr></thead>
      <tbody>${repeat(rows, (one) => one.environment, row)}</tbody>
    </table>
  </section>`;
}

function row(one) {
  return html`<tr>
    <th scope="row"><a href="/environments/${one.environment}">${one.environment}</a>
      <span class="kind ${one.environment_kind}">${words(one.environment_kind)} ${one.country}</span></th>
    <td data-label="Status">${badge(one.status)} ${health(one.health)}</td>
    <td data-label="Running">${one.running ? one.running.name : html`<span class="quiet">nothing yet</span>`}</td>
    <td data-label="Application" class="number">${one.running?.contents.application_version ?? "–"}</td>
    <td data-label="Operation">${operation(one.operation)}</td>
  </tr>`;
}

function operation(running) {
  if (!running) return html`<span class="quiet">none</span>`;
  const done = running.steps.filter((step) => step.status === "succeeded").length;
  const step = running.steps.find((one) => one.status === "running");
  return html`<div class="live">
    <span>${words(running.operation_kind)}${running.update_name ? html` <q>${running.update_name}</q>` : nothing}
      ${running.status === "running" ? nothing : badge(running.status)}</span>
    <progress max=${running.steps.length} .value=${done} aria-label="Steps done"></progress>
    <span class="step">${done} of ${running.steps.length}${step
      ? html`, ${words(step.name)} <span class="number">${duration(step.started_at)}</span>` : nothing}</span>
  </div>`;
}
