// A client of poort, the policy decision point beside an application: it hands out a record only if poort allowed that.
//
// Copy this file into an application. It needs Node 18 and nothing else. It asks in JSON, so that nothing is generated;
// with `node:http`, because `fetch` reaches no Unix socket.
//
//     const poort = new Poort("http://127.0.0.1:50051");            // or unix:/run/poort/poort.sock
//     const answer = await poort.may(question, record, { trace: request.headers });
//     const shown = await answer.comply(handlers);                  // the record, or it throws Denied
//
// Whatever is not a clear yes is Denied: an error, a late answer, garbage, an obligation without a handler.

import http from "node:http";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { urlToHttpOptions } from "node:url";

export type Question = {
  subject: { type: string; id: string; properties?: object };
  action: { name: string; properties?: object };
  resource: { type: string; id: string; properties?: object };
  context?: object;
};

// A handler does one kind of obligation. It gets the obligation's parameters and the record, and returns the record to go
// on with, such as one without the fields to hide. The obligations of a deny come without a record: it gets undefined.
// `ObligationHandlers` of `poort codegen` knows the keys and their parameters.
export type Handlers<R> = Readonly<Record<string, ((parameters: any, record: R) => R | Promise<R>) | undefined>>;

// `trace`: the headers of the request that is being served. `deadline`: milliseconds for all attempts.
export type Options = { trace?: http.IncomingHttpHeaders; deadline?: number };
export type DecisionRecord = { trace_id: string; span_id: string; index?: number };
type Duty = readonly [key: string, parameters: unknown];
type Json = Record<string, unknown>;

// The largest answer that is read, in bytes.
const LARGEST = 1 << 20;
// Milliseconds before a question is asked again. It doubles each time.
const PAUSE = 50;
const TRACE = ["traceparent", "tracestate", "x-request-id"];

/**
 * No access. `answered` is false if poort did not decide that: then it may be another answer later. `reasonUser` may be shown
 * to the user, and the message may not; it is empty where poort gave none.
 */
export class Denied extends Error {
  readonly answered: boolean;
  readonly decisionRecord: DecisionRecord | undefined;
  readonly reasonUser: string;
  readonly #duties: Duty[];

  constructor(reason: string, answered = false, duties: Duty[] = [], decisionRecord?: DecisionRecord, reasonUser = "") {
    super(reason);
    this.answered = answered;
    this.decisionRecord = decisionRecord;
    this.reasonUser = reasonUser;
    this.#duties = duties;
  }

  /** Does the obligations of the deny, such as the end of a session, and throws this. */
  async comply(handlers: Handlers<any>): Promise<never> {
    await comply(this.#duties, handlers, undefined);
    throw this;
  }
}

/** Access to a record, which `comply` alone hands out. `decisionRecord` is for the application's own log. */
export class Granted<R> {
  readonly decisionRecord: DecisionRecord | undefined;
  readonly #record: R;
  readonly #duties: Duty[];

  constructor(record: R, duties: Duty[], decisionRecord?: DecisionRecord) {
    this.#record = record;
    this.#duties = duties;
    this.decisionRecord = decisionRecord;
  }

  /** Does the obligations and returns the record. It throws Denied if one could not be done. */
  async comply(handlers: Handlers<R>): Promise<R> {
    const [record, undone] = await comply(this.#duties, handlers, this.#record);
    if (undone.length === 0) return record;
    const reason = `The application cannot do what this access asks for: ${undone.join(", ")}.`;
    throw new Denied(reason, true, [], this.decisionRecord);
  }
}

/** The sidecar at an address. `deadline`: how many milliseconds a question may take, with all its attempts. */
export class Poort {
  readonly #deadline: number;
  readonly #request: typeof http.request;
  readonly #to: http.RequestOptions & { base: string };

  constructor(address = "http://127.0.0.1:50051", deadline = 2_000) {
    const isSocket = address.startsWith("unix:");
    const url = new URL(isSocket ? "http://localhost" : address);
    const { request, Agent } = url.protocol === "https:" ? https : http;
    const place = isSocket ? { socketPath: address.slice("unix:".length) } : urlToHttpOptions(url);
    this.#to = { ...place, agent: new Agent({ keepAlive: true }), base: url.pathname.replace(/\/$/, "") };
    this.#request = request;
    this.#deadline = deadline;
  }

  /** Asks whether this may be done with the record. */
  async may<R>(question: Question, record: R, options: Options = {}): Promise<Granted<R> | Denied> {
    try {
      return read(await this.#ask("evaluation", question, options), record);
    } catch (error) {
      return denied(error);
    }
  }

  /** Asks in one call about many records, such as the rows of a page: pairs of a question and its record. */
  async mayEach<R>(rows: readonly (readonly [Question, R])[], options: Options = {}): Promise<(Granted<R> | Denied)[]> {
    if (rows.length === 0) return [];
    try {
      const { evaluations } = await this.#ask("evaluations", { evaluations: rows.map(([it]) => it) }, options);
      if (!Array.isArray(evaluations) || evaluations.length !== rows.length) {
        throw new Denied("poort did not answer each question.");
      }
      return rows.map(([, record], index) => read(evaluations[index], record));
    } catch (error) {
      return rows.map(() => denied(error));
    }
  }

  async #ask(path: string, question: object, { trace = {}, deadline = this.#deadline }: Options): Promise<Json> {
    const signal = AbortSignal.timeout(deadline);
    const until = performance.now() + deadline;
    const body = JSON.stringify(question);
    let why = "the deadline passed";
    for (let pause = PAUSE; ; pause *= 2) {
      let wait = pause;
      try {
        const { status, kind, after, text } = await this.#post(path, body, trace, signal);
        if (status === 200) return parse(kind, text);
        why = `status ${status}`;
        if (status !== 429 && status !== 503) {
          console.error(`poort refused a question with ${why}: ${text.slice(0, 500)}`);
          break;
        }
        wait = Math.max(pause, after);
      } catch (error) {
        if (error instanceof Denied) throw error;
        if (signal.aborted) break;
        why = "no connection";
      }
      // poort restarts or is full. A question changes nothing, so it is asked again, if there is time.
      if (performance.now() + wait > until) break;
      if (await sleep(wait, false, { signal }).catch(() => true)) break;
    }
    throw new Denied(`No answer from poort: ${why}.`);
  }

  async #post(path: string, body: string, trace: http.IncomingHttpHeaders, signal: AbortSignal) {
    const carried = TRACE.flatMap((name) => (trace[name] === undefined ? [] : [[name, trace[name]]]));
    const headers = {
      ...Object.fromEntries(carried),
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const to = { ...this.#to, path: `${this.#to.base}/access/v1/${path}`, method: "POST", headers, signal };
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      this.#request(to, resolve).on("error", reject).end(body);
    });
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of response) {
      parts.push(part);
      size += part.length;
      if (size > LARGEST) throw new Denied("The answer is too large.");
    }
    const kind = response.headers["content-type"] ?? "";
    // In seconds; none if it is a date.
    const told = response.headers["retry-after"] ?? "";
    const after = /^\d+$/.test(told) ? Number(told) * 1000 : 0;
    return { status: response.statusCode, kind, after, text: Buffer.concat(parts).toString() };
  }
}

function parse(kind: string, text: string): Json {
  try {
    if (kind.split(";")[0]?.trim() === "application/json") return object(JSON.parse(text));
  } catch {
    // It is no JSON.
  }
  throw foreign();
}

/** One answer, if it has the form of poort's. */
function read<R>(answer: unknown, record: R): Granted<R> | Denied {
  try {
    const { decision, context: given = {} } = object(answer);
    const { obligations = [], reason = "", reason_user: told, record: decisionRecord, error } = object(given);
    if (typeof decision !== "boolean" || !Array.isArray(obligations) || typeof reason !== "string") throw foreign();
    // Only in a batch: poort could not decide this one.
    if (error !== undefined) throw new Denied(`No answer from poort: status ${object(error).status}.`);
    const duties = obligations.flatMap(asks);
    if (decision) return new Granted(record, duties, decisionRecord as DecisionRecord);
    // A sentence for each code; poort has one.
    const sentence = (told as Json | undefined)?.["403"];
    const reasonUser = typeof sentence === "string" ? sentence : "";
    return new Denied(reason, true, duties, decisionRecord as DecisionRecord, reasonUser);
  } catch (error) {
    return denied(error);
  }
}

/** What an obligation asks for: its type with its properties, or each property of a custom one. */
function asks(obligation: unknown): Duty[] {
  const { type, properties = {} } = object(obligation);
  if (typeof type !== "string") throw foreign();
  const each = Object.entries(object(properties));
  return type === "custom" && each.length > 0 ? each : [[type, properties]];
}

function object(value: unknown): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw foreign();
  return value as Json;
}

function foreign(): Denied {
  return new Denied("The answer is not poort's.");
}

function denied(error: unknown): Denied {
  return error instanceof Denied ? error : new Denied(`No answer from poort: ${error}.`);
}

/** Does what can be done, also when something else cannot: the record to go on with, and what was not done. */
async function comply<R>(duties: Duty[], handlers: Handlers<R>, record: R): Promise<[R, string[]]> {
  const undone: string[] = [];
  for (const [key, parameters] of duties) {
    try {
      if (!Object.hasOwn(handlers, key)) throw new Error("there is no handler");
      record = await handlers[key]!(parameters, record);
    } catch (error) {
      console.error(`The obligation ${JSON.stringify(key)} was not done:`, error);
      undone.push(key);
    }
  }
  return [record, undone];
}
