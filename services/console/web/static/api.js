// The HTTP API as the pages use it. Every failure becomes an ApiError with a sentence for people.

export class ApiError extends Error {
  constructor(code, detail, fields = []) {
    super(detail);
    this.code = code;
    this.fields = fields;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError("UNREACHABLE", "The console does not answer. It may be restarting; try again in a moment.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => null);
  throw new ApiError(
    problem?.code ?? `HTTP_${response.status}`,
    problem?.detail ?? `The console answered ${response.status}.`,
    problem?.errors,
  );
}

export async function read(path) {
  return (await ask(`/api/v1/${path}`)).json();
}

export async function readText(path) {
  return (await ask(`/api/v1/${path}`)).text();
}

// One id per decision of a person: pressing twice, or again after a lost answer, is one command.
export const newCommandId = () => crypto.randomUUID();

export async function send(name, body, id, actor) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": id };
  if (actor) headers["Drydock-Actor"] = actor;
  const response = await ask(`/api/v1/commands/${name}`, { method: "POST", headers, body: JSON.stringify(body) });
  return response.json();
}
