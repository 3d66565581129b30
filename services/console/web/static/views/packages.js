// All packages, by project, with what their check found.

import { html, nothing } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { badge, count, problem, words } from "../format.js";

export function packagesPage(store) {
  const all = [...store.packages.values()].sort((a, b) => a.package.localeCompare(b.package));
  return html`
    <div class="title"><h1>Packages</h1><p class="summary">${all.length} submitted</p></div>
    ${all.length ? html`<table>
      <thead><tr><th scope="col">Package</th><th scope="col">Status</th><th scope="col">Kind</th><th scope="col">Application</th>
        <th scope="col">Platform</th><th scope="col">Modules</th><th scope="col">Findings</th></tr></thead>
      <tbody>${repeat(all, (one) => one.package, row)}</tbody></table>`
      : html`<p class="quiet">No package was submitted yet.</p>`}
  `;
}

function row(one) {
  const contents = one.contents;
  return html`<tr>
    <th scope="row">${one.package}<br><span class="quiet">${one.file_name}</span></th>
    <td data-label="Status">${badge(one.status)} ${problem(one.problem)}</td>
    <td data-label="Kind">${contents ? words(contents.kind) : "–"}</td>
    <td data-label="Application" class="number">${contents?.application_version ?? "–"}</td>
    <td data-label="Platform" class="number">${contents?.platform_version ?? "–"}</td>
    <td data-label="Modules" class="number">${contents ? contents.modules.length + contents.platform_modules.length : "–"}</td>
    <td data-label="Findings">${findings(one.findings)}</td>
  </tr>`;
}

function findings(list) {
  if (!list.length) return html`<span class="quiet">none</span>`;
  const errors = list.filter((one) => one.severity === "error").length;
  const warnings = list.length - errors;
  const counts = [errors && count(errors, "error"), warnings && count(warnings, "warning")].filter(Boolean);
  return html`<details><summary>${counts.join(", ")}</summary><ul class="plain">${list.map((one) => html`<li>
    <code>${one.rule}</code> ${one.message}${one.path ? html` <span class="quiet">${one.path}</span>` : nothing}
    <br><span class="quiet">${one.fix}</span></li>`)}</ul></details>`;
}
