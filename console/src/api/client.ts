/** Calls the API by the session's cookie. What can go wrong is one kind of error, with a sentence to show. */

export interface Place {
  pointer: string;
  detail: string;
}

/** An answer that is an error (RFC 9457), or no answer at all (`status` 0). */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly slug: string,
    detail: string,
    readonly errors: Place[] = [],
    readonly body: Record<string, unknown> = {},
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail);
  }

  /** Whether nobody answered: what was typed is kept, and the same call works later. */
  get isAway(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503;
  }
}

export interface Answer<T> {
  data: T;
  etag: string | null;
  status: number;
}

export interface CallOptions {
  body?: unknown;
  ifMatch?: string;
  query?: object;
  signal?: AbortSignal;
}

/** Told of every answer 401: the session has ended. */
export const signedOut = new EventTarget();

export function query(values: object): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== "") search.append(name, String(each));
    }
  }
  const text = search.toString();
  return text && `?${text}`;
}

/** Makes one call. Throws ApiProblem for every answer of 400 and above, and where there is none. */
export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.ifMatch !== undefined) headers["If-Match"] = options.ifMatch;
  let answer: Response;
  try {
    answer = await fetch(path + query(options.query ?? {}), {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      credentials: "same-origin",
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiProblem(0, "no-connection", "Signalbox does not answer. What you typed is kept.");
  }
  const text = await answer.text();
  const data = text ? parsed(text) : null;
  if (!answer.ok) {
    if (answer.status === 401 && !path.startsWith("/v1/session"))
      signedOut.dispatchEvent(new Event("signedout"));
    throw problemOf(answer, data);
  }
  return { data: data as T, etag: answer.headers.get("ETag"), status: answer.status };
}

export async function get<T>(path: string, values: object = {}, signal?: AbortSignal): Promise<T> {
  return (await call<T>("GET", path, { query: values, ...(signal ? { signal } : {}) })).data;
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  return (await call<T>("POST", path, body === undefined ? {} : { body })).data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function problemOf(answer: Response, data: unknown): ApiProblem {
  const body = typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
  const type = typeof body.type === "string" ? body.type : "";
  const detail = typeof body.detail === "string" ? body.detail : `The server answered ${answer.status}.`;
  const errors = Array.isArray(body.errors) ? (body.errors as Place[]) : [];
  const retryAfter = Number(answer.headers.get("Retry-After"));
  return new ApiProblem(
    answer.status,
    type.split("/").pop() ?? "",
    detail,
    errors,
    body,
    Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null,
  );
}

/** The sentence of anything that was thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : "Something went wrong.";
}
