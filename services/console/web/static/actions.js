// What a person can have done: each action asks, sends one command under one id, and says what came of it.

import { html, nothing } from "lit-html";
import { newCommandId, send } from "./api.js";
import { words } from "./format.js";

const ANSWER_MS = 30_000;
let asked = null; // the action whose dialog is open
let state = null; // { stage: "asking" | "sending" | "refused" | "late" | "failed", message, code }

const actorKey = "drydock-actor";

function actor() {
  try {
    return localStorage.getItem(actorKey) ?? "";
  } catch {
    return "";
  }
}

function keepActor(name) {
  try {
    localStorage.setItem(actorKey, name);
  } catch {
    // Storage may be switched off; the name is then asked again.
  }
}

// action: { title, text, stops, command, body, fields: [{ name, label, options | text }], confirm }
export function ask(action, changed) {
  asked = { ...action, id: newCommandId() };
  state = { stage: "asking" };
  changed();
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector("dialog:not([open])")?.showModal()));
}

function close(changed) {
  document.querySelector("dialog")?.close();
  asked = null;
  changed();
}

async function carryOut(event, store, changed) {
  event.preventDefault();
  const action = asked;
  const given = new FormData(event.target);
  keepActor(given.get("actor").trim());
  const body = { ...action.body };
  for (const field of action.fields ?? []) body[field.name] = given.get(field.name);
  state = { stage: "sending" };
  changed();
  const late = new Promise((resolve) => setTimeout(() => resolve(null), ANSWER_MS));
  const answered = store.answer(action.id);
  try {
    await send(action.command, body, action.id, given.get("actor").trim());
    const answer = await Promise.race([answered, late]);
    if (asked !== action) return;
    if (answer === null) {
      state = { stage: "late", message: "The command is sent; the service has not answered yet." };
    } else if (answer.refused) {
      state = { stage: "refused", code: answer.event.data.reason, message: answer.event.data.message };
    } else {
      close(changed);
    }
  } catch (error) {
    if (asked === action) state = { stage: "failed", code: error.code, message: error.message };
  }
  changed();
}

function input(field) {
  if (field.options) {
    return html`<label>${field.label}
      <select name=${field.name}>
        ${field.options.map((one) => html`<option value=${one}>${words(one)}</option>`)}
      </select></label
    >`;
  }
  return html`<label>${field.label} <textarea name=${field.name} rows="3" maxlength="1000"></textarea></label>`;
}

export function dialog(store, changed) {
  if (!asked) return nothing;
  const over = ["refused", "late"].includes(state.stage);
  return html`<dialog aria-labelledby="dialog-title" @cancel=${() => close(changed)}>
    <form @submit=${(event) => carryOut(event, store, changed)}>
      <h2 id="dialog-title">${asked.title}</h2>
      <p>${asked.text}</p>
      ${asked.stops ? html`<p class="caution">${asked.stops}</p>` : nothing}
      ${(asked.fields ?? []).map(input)}
      <label>Your name <input name="actor" required pattern="[!-~]+" maxlength="200" autocomplete="username"
        title="Letters, digits and signs without blanks" .defaultValue=${actor()}></label>
      <p class="quiet">Recorded with the command as it stands: there is no sign-in yet.</p>
      <div role="alert">
        ${state.message ? html`<p class="problem">${state.code ? html`<code>${state.code}</code> ` : nothing}${state.message}</p>` : nothing}
      </div>
      <div class="buttons">
        <button type="button" @click=${() => close(changed)}>${over ? "Close" : "Cancel"}</button>
        ${over ? nothing : html`<button class=${asked.stops ? "danger" : "primary"} ?disabled=${state.stage === "sending"}>
          ${state.stage === "sending" ? "Waiting for the answer ..." : asked.confirm}</button>`}
      </div>
    </form>
  </dialog>`;
}
