// Promotions to production: those to come and those that run first, then those that have ended.

import { html, nothing } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { ask } from "../actions.js";
import { badge, duration, problem, shortDigest, time } from "../format.js";

const OPEN = new Set(["checking", "scheduled", "starting", "started"]);
const start = (one) => one.downtime?.start ?? "";

export function promotionsPage(store, changed) {
  const all = [...store.promotions.values()];
  const open = all.filter((one) => OPEN.has(one.status)).sort((a, b) => start(a).localeCompare(start(b)));
  const ended = all.filter((one) => !OPEN.has(one.status)).sort((a, b) => start(b).localeCompare(start(a)));
  return html`
    <div class="title"><h1>Promotions</h1>
      <p class="summary">${open.length} open, ${ended.length} ended</p></div>
    <section aria-labelledby="open"><h2 id="open">Open</h2>
      ${open.length ? table(open, changed) : html`<p class="quiet">None is scheduled.</p>`}</section>
    <section aria-labelledby="ended"><h2 id="ended">Ended</h2>
      ${ended.length ? table(ended, changed) : html`<p class="quiet">None has ended yet.</p>`}</section>
  `;
}

function table(list, changed) {
  return html`<table>
    <thead><tr><th scope="col">Production</th><th scope="col">Status</th><th scope="col">Update</th><th scope="col">From</th>
      <th scope="col">Downtime</th><th scope="col">Asked by</th><th scope="col"></th></tr></thead>
    <tbody>${repeat(list, (one) => one.promotion, (one) => row(one, changed))}</tbody>
  </table>`;
}

function row(one, changed) {
  const cancel = {
    title: `Cancel the promotion to ${one.environment}`,
    text: `${one.update.name} is not moved to production; everybody concerned gets a mail.`,
    command: "cancel-promotion",
    body: { environment: one.environment, promotion: one.promotion },
    confirm: "Cancel the promotion",
  };
  return html`<tr>
    <th scope="row"><a href="/environments/${one.environment}">${one.environment}</a></th>
    <td data-label="Status">${badge(one.status)} ${problem(one.problem)}</td>
    <td data-label="Update">${one.update.name} <span class="quiet">${shortDigest(one.update.image)}</span></td>
    <td data-label="From"><a href="/environments/${one.sandbox}">${one.sandbox}</a></td>
    <td data-label="Downtime">${one.downtime
      ? html`${time(one.downtime.start, { seconds: false })}<br><span class="quiet">until ${time(one.downtime.end, { seconds: false })}
        (${duration(one.downtime.start, one.downtime.end)})</span>`
      : "not yet computed"}</td>
    <td data-label="Asked by">${one.actor ?? "–"}</td>
    <td class="buttons">${one.status === "scheduled" || one.status === "checking"
      ? html`<button @click=${() => ask(cancel, changed)}>Cancel ...</button>` : nothing}</td>
  </tr>`;
}
