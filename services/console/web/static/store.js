// Everything the pages show: the views, read once and kept current by one event stream.

import { read, readText } from "./api.js";

const COLLECTIONS = ["environments", "promotions", "candidates", "packages"]; // what a noun is: GET /api/v1/nouns
const HISTORY_TYPE = "servicing-executor.operation-snapshot.v1";
const DEAD_LETTER_TYPES = new Set([
  "drydock.dead-letter.v1",
  "drydock.dead-letter-redriven.v1",
]);
const REFUSED_TYPE = "drydock.command-rejected.v1";
const LOG_TYPE = "drydock.work-logged.v1";
const LOG_LINES = 500;
const HISTORY = 100;
const PAUSE_MS = 2000;

export class Store {
  constructor(changed) {
    this.changed = changed;
    this.connection = "connecting";
    this.nouns = [];
    this.loaded = false;
    this.error = null;
    this.history = new Map(); // environment -> { state, entries }
    this.logs = new Map(); // operation -> lines of its log while it runs
    this.deadLetters = [];
    this.listeners = new Set(); // called with every event
    this.clear();
  }

  clear() {
    for (const name of COLLECTIONS) this[name] = new Map();
    this.sequences = new Map();
    this.history.clear();
  }

  stop() {
    this.source?.close();
  }

  async start() {
    this.stop();
    try {
      this.nouns = (await read("nouns")).filter((noun) => COLLECTIONS.includes(noun.name));
      const pages = await Promise.all(this.nouns.map((noun) => this.readAll(noun)));
      this.clear();
      pages.forEach((page) => this.take(page));
      await this.readDeadLetters();
      this.loaded = true;
      this.error = null;
      this.listen(pages[0].position);
    } catch (error) {
      this.connection = "waiting";
      this.error = error;
      setTimeout(() => this.start(), PAUSE_MS);
    }
    this.changed();
  }

  async readAll(noun) {
    const whole = { noun, items: [], sequences: {}, position: null };
    let before = "";
    for (;;) {
      const page = await read(`${noun.name}${before}`);
      whole.items.push(...page.items);
      Object.assign(whole.sequences, page.sequences);
      whole.position ??= page.position; // the earliest: from here on nothing is missed
      if (!page.more) return whole;
      before = `?before=${encodeURIComponent(page.items.at(-1)[noun.key])}`;
    }
  }

  take({ noun: { name, key }, items, sequences }) {
    for (const item of items) {
      this[name].set(item[key], item);
      this.sequences.set(`${name} ${item[key]}`, sequences[item[key]] ?? 0);
    }
  }

  async readDeadLetters() {
    this.deadLetters = (await read("dead-letters")).items;
    this.changed();
  }

  // Reads the history of an environment once; `state` is "reading", "read", or the error it ended in.
  async readHistory(environment) {
    const known = this.history.get(environment);
    if (known) return;
    const history = { state: "reading", entries: new Map() };
    this.history.set(environment, history);
    try {
      const page = await read(`environments/${environment}/history?limit=${HISTORY}`);
      // What has come over the stream meanwhile is newer.
      for (const item of page.items) if (!history.entries.has(item.entry)) history.entries.set(item.entry, item);
      history.state = "read";
    } catch (error) {
      history.state = error;
      setTimeout(() => this.history.get(environment) === history && this.history.delete(environment), PAUSE_MS);
    }
    this.changed();
  }

  // The lines that were logged before this page was opened.
  async readLog(operation) {
    if (this.logs.has(operation)) return;
    this.logs.set(operation, []);
    const text = await readText(`operations/${encodeURIComponent(operation)}/log`).catch(() => "");
    const lines = new Set([...text.split("\n").filter(Boolean), ...this.logs.get(operation)]);
    this.logs.set(operation, [...lines].slice(-LOG_LINES));
    this.changed();
  }

  listen(position) {
    const query = new URLSearchParams({ kinds: "events,snapshots,dead-letters,progress", position });
    this.source = new EventSource(`/api/v1/events?${query}`);
    this.source.onopen = () => this.connected("live");
    this.source.onerror = () => {
      this.connected("waiting");
      // A browser gives up after an answer that is no stream; what was missed is read anew.
      if (this.source.readyState === EventSource.CLOSED) setTimeout(() => this.start(), PAUSE_MS);
    };
    this.source.addEventListener("reset", () => this.start());
    this.source.onmessage = (message) => this.apply(JSON.parse(message.data));
  }

  connected(state) {
    this.connection = state;
    this.changed();
  }

  apply(event) {
    const noun = this.nouns.find((one) => one.type === event.type);
    if (noun) this.replace(noun, event);
    else if (event.type === HISTORY_TYPE) this.history.get(event.data.environment)?.entries.set(event.data.entry, event.data);
    else if (event.type === LOG_TYPE) this.addLine(event.data);
    else if (DEAD_LETTER_TYPES.has(event.type)) this.readDeadLetters().catch(() => {});
    for (const listener of this.listeners) listener(event);
    this.changed();
  }

  replace({ name, key: field }, event) {
    const key = event.data[field];
    const known = `${name} ${key}`;
    if ((event.sequence ?? Infinity) <= (this.sequences.get(known) ?? -1)) return;
    this.sequences.set(known, event.sequence ?? 0);
    this[name].set(key, event.data);
  }

  addLine(line) {
    const operation = /^step:([^/]+)\//.exec(line.work)?.[1];
    if (!operation) return;
    const lines = this.logs.get(operation) ?? [];
    lines.push(`${line.at} ${line.text}`);
    if (lines.length > LOG_LINES) lines.shift();
    this.logs.set(operation, lines);
  }

  // The answer to a command: its refusal, or the first event that it caused.
  answer(id) {
    return new Promise((resolve) => {
      const listener = (event) => {
        const refused = event.type === REFUSED_TYPE && event.data.command_id === id;
        if (!refused && event.causationid !== id) return;
        this.listeners.delete(listener);
        resolve({ refused, event });
      };
      this.listeners.add(listener);
    });
  }
}
