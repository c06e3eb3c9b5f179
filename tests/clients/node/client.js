// A Node client of poort: what an application does before it touches police data.
//
//     npm ci
//     node client.js 127.0.0.1:50051
//     node client.js unix:/run/poort/poort.sock
//
// It reads `proto/` when it starts and needs nothing else of poort. Each step prints lines of JSON. What goes wrong is
// told on standard error, and the exit code is then 1.

import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { service as healthService } from "grpc-health-check";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const proto = fileURLToPath(new URL("../../../proto", import.meta.url));
const definition = protoLoader.loadSync("poort/v1/access_evaluation.proto", {
  includeDirs: [proto],
  keepCase: true,
  enums: String,
  defaults: true,
});
const { AccessEvaluation } = grpc.loadPackageDefinition(definition).poort.v1;
const semantics = definition["poort.v1.EvaluationsSemantic"].type.value.map(({ name }) => name);

// How long the application waits for an answer, in milliseconds. poort gives up at the same moment.
const PATIENCE = 30_000;

async function main(address) {
  const poort = new AccessEvaluation(address, grpc.credentials.createInsecure());
  await health(address);
  await evaluate(poort);
  await failClosed(poort);
  await batch(poort);
  await stream(poort);
  await mistake(poort);
  await trace(poort);
  await deadline(poort);
  poort.close();
}

// One call as a promise.
function call(client, method, request, metadata = new grpc.Metadata(), deadline = Date.now() + PATIENCE) {
  return promisify(client[method].bind(client))(request, metadata, { deadline });
}

// May this officer consult this investigation, for the purpose of Wpg article 9?
// Poort knows the officer itself; the record is described by whoever asks.
function question(officer, record = "inv-0042") {
  return {
    subject: { type: "Officer", id: officer },
    action: { name: "consult" },
    resource: {
      type: "Investigation",
      id: record,
      properties: struct({ unit: "detectives-north", team: "heron", level: 3, embargo: false }),
    },
    context: struct({ purpose: "9" }),
  };
}

// One question, one answer: a deny is an answer too, and says why.
async function evaluate(poort) {
  for (const officer of ["officer-0007", "officer-0008"]) {
    const answer = await call(poort, "Evaluate", question(officer));
    show("evaluate", { officer, ...plain(answer) });
  }
}

// How an application asks: only a true decision with obligations that it can meet is a yes; any error is a no.
async function failClosed(poort) {
  async function may(asked) {
    try {
      const answer = await call(poort, "Evaluate", asked);
      // This application can meet no obligations, so it takes none.
      return answer.decision && answer.obligations.length === 0;
    } catch {
      return false;
    }
  }
  show("may", { allowed: await may(question("officer-0007")), refused: await may({}) });
}

// Several questions that share most of what they ask: what an item sets replaces the default.
async function batch(poort) {
  const { action, resource, context } = question("officer-0007");
  const officers = ["officer-0007", "officer-0008", "officer-0007", "officer-0008"];
  for (const semantic of semantics) {
    const answer = await call(poort, "EvaluateBatch", {
      action,
      resource,
      context,
      evaluations: officers.map((id) => ({ subject: { type: "Officer", id } })),
      evaluations_semantic: semantic,
    });
    const decisions = answer.evaluations.map((item) => item.decision);
    show("batch", { semantic, decisions, record: answer.record });
  }
}

// Many questions over one call, all under way together: an answer carries the id of its question.
async function stream(poort) {
  const questions = poort.EvaluateStream(new grpc.Metadata(), { deadline: Date.now() + PATIENCE });
  for (let number = 0; number < 200; number++) {
    const officer = number % 2 === 0 ? "officer-0007" : "officer-0008";
    const record = `inv-${String(number).padStart(4, "0")}`;
    questions.write({ id: String(number), evaluation: question(officer, record) });
  }
  // A fault in one question is told in its place; the others are answered.
  questions.write({ id: "faulty" });
  questions.end();
  for await (const answer of questions) {
    if (answer.error) {
      show("stream", { id: answer.id, ...answer.error });
    } else {
      show("stream", { id: answer.id, ...plain(answer.evaluation) });
    }
  }
}

// A question that does not fit the policy schema is refused, and the message names the field.
async function mistake(poort) {
  const asked = question("officer-0007");
  asked.resource.properties = struct({ unit: "detectives-north", team: "heron", level: "three", embargo: false });
  try {
    await call(poort, "Evaluate", asked);
  } catch (error) {
    show("mistake", { code: grpc.status[error.code], message: error.details });
  }
}

// The application's own trace goes on in the decision record (W3C Trace Context).
async function trace(poort) {
  const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const metadata = new grpc.Metadata();
  metadata.set("traceparent", parent);
  const answer = await call(poort, "Evaluate", question("officer-0007"), metadata);
  show("trace", { parent, ...plain(answer) });
}

// Too little time is an error, never an answer.
async function deadline(poort) {
  try {
    await call(poort, "Evaluate", question("officer-0007", "inv-late"), new grpc.Metadata(), Date.now());
  } catch (error) {
    show("deadline", { code: grpc.status[error.code] });
  }
}

// Whether poort can answer now.
async function health(address) {
  const Health = grpc.makeClientConstructor(healthService, "grpc.health.v1.Health");
  const client = new Health(address, grpc.credentials.createInsecure());
  const { status } = await call(client, "check", { service: "poort.v1.AccessEvaluation" });
  client.close();
  show("health", { status });
}

// A `google.protobuf.Struct` from an object.
function struct(object) {
  return { fields: Object.fromEntries(Object.entries(object).map(([name, field]) => [name, value(field)])) };
}

function value(field) {
  if (field === null) return { nullValue: "NULL_VALUE" };
  if (Array.isArray(field)) return { listValue: { values: field.map(value) } };
  switch (typeof field) {
    case "boolean":
      return { boolValue: field };
    case "number":
      return { numberValue: field };
    case "string":
      return { stringValue: field };
    default:
      return { structValue: struct(field) };
  }
}

// What this client shows of an answer.
function plain({ decision, policies, reason, revision, record }) {
  return { decision, policies: policies.map(({ id }) => id), reason, revision, record };
}

function show(step, facts) {
  console.log(JSON.stringify({ step, ...facts }));
}

if (process.argv.length !== 3) {
  console.error("usage: client.js ADDRESS");
  process.exit(1);
}
main(process.argv[2]).catch((error) => {
  console.error(`poort did not answer: ${grpc.status[error.code] ?? error}: ${error.details ?? ""}`);
  process.exit(1);
});
