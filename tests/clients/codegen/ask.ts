// Asks what `poort codegen --lang typescript` made the builders of: `node ask.js http://127.0.0.1:50051`.
import { ask, supporting, type Answer, type Evaluation, type ObligationHandlers } from "./questions.js";

const question = ask.consult.Investigation({
  subject: { type: "Officer", id: "officer-0007" },
  resource: {
    id: "inv-0042",
    properties: { unit: "detectives-north", team: { type: "Team", id: "heron" }, level: 3, embargo: false, access_code: "a" },
  },
  context: { purpose: "9" },
});
const disclosure = ask.disclose.Registration({
  subject: { type: "System", id: "system-0001" },
  action: { automated: true },
  resource: {
    id: "reg-1",
    properties: {
      unit: "station-north-1", first_processed: new Date("2026-11-01T12:00:00Z"), level: 1, subjects_are_staff: false,
    },
  },
  context: { purpose: "8", location: "10.0.0.7", recipient: { organisation: "cjib", id: "desk-1" } },
});

const entries = ask.combine.LogEntry({
  subject: { type: "Officer", id: "officer-0054" },
  resource: { id: "t-1", properties: { level: 2, account: "officer-0001" } },
  context: { purpose: "32a" },
});
// What this application can do, with the parameters that the policies declare.
const handlers: ObligationHandlers<string[]> = {
  hide: (fields, shown) => shown.filter((name) => !fields.some((field) => field === name)),
  session_termination: ({ subject }, shown) => (subject === "" ? [] : shown),
};

async function decision(question: Evaluation): Promise<boolean> {
  const response = await fetch(`${process.argv[2]}/access/v1/evaluation`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(question),
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  const answer: Answer = await response.json();
  return answer.decision;
}

declare const process: { argv: string[] };
const able = await decision(supporting(entries, ["pseudonymise"]));
const unable = await decision(supporting(entries, Object.keys(handlers) as (keyof typeof handlers)[]));
console.log(await decision(question), await decision(disclosure), able, unable);
