// Records that could not be processed, and what can be done about them.

import { html, nothing } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { ask } from "../actions.js";
import { count, time } from "../format.js";

export function deadLettersPage(store, changed) {
  const all = store.deadLetters;
  return html`
    <div class="title"><h1>Dead letters</h1><p class="summary">${count(all.length, "record")} not processed</p></div>
    ${all.length ? html`<table>
      <thead><tr><th scope="col">Since</th><th scope="col">Service</th><th scope="col">Message</th><th scope="col">Reason</th>
        <th scope="col">Attempts</th><th scope="col">Redriven</th><th scope="col"></th></tr></thead>
      <tbody>${repeat(all, (one) => one.letter_id, (one) => row(one, changed))}</tbody></table>`
      : html`<p class="quiet">There are none: every record was processed.</p>`}
  `;
}

function row(one, changed) {
  const redrive = {
    title: "Redrive a dead letter",
    text: `The record is sent to ${one.topic} again, under the id it had. Who asked, and why, is recorded.`,
    command: "redrive-dead-letter",
    body: { letter_id: one.letter_id },
    fields: [{ name: "note", label: "Why" }],
    confirm: "Redrive",
  };
  return html`<tr>
    <th scope="row">${time(one.dead_since)}</th>
    <td data-label="Service">${one.service}</td>
    <td data-label="Message">${one.message_type ?? "unreadable"}<br><span class="quiet">${one.topic}, partition ${one.partition}, offset ${one.offset}</span></td>
    <td data-label="Reason"><p class="problem"><code>${one.reason}</code> ${one.message}</p></td>
    <td data-label="Attempts" class="number">${one.attempts}</td>
    <td data-label="Redriven">${one.redriven ? html`${count(one.redriven, "time")}${one.redriven_by ? html`, last by ${one.redriven_by}` : nothing}` : "–"}</td>
    <td class="buttons"><a href="/api/v1/dead-letters/${one.letter_id}">Whole</a>
      <button @click=${() => ask(redrive, changed)}>Redrive ...</button></td>
  </tr>`;
}
