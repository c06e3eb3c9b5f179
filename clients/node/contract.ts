// Runs the cases of the contract with this client, and prints a line of JSON with what each came to.
//
//     node contract.js ../contract/cases.json REAL FAKE NOWHERE

import fs from "node:fs";
import { Denied, Granted, type Handlers, Poort } from "./poort.js";

const [path, real, fake, nowhere] = process.argv.slice(2);
const contract = JSON.parse(fs.readFileSync(path!, "utf8"));
const options = { trace: contract.headers };
await Promise.all(contract.cases.map(run));

async function run(wanted: any) {
  const places: Record<string, string | undefined> = { real, nowhere };
  const address = places[String(wanted.sidecar)] ?? `${fake}/${encodeURIComponent(wanted.name)}`;
  const poort = new Poort(address, wanted.deadline_ms ?? 60_000);
  let outcome;
  if (wanted.questions) {
    const rows = wanted.questions.map((name: string) => [contract.questions[name], contract.record] as const);
    outcome = await Promise.all((await poort.mayEach(rows, options)).map(told));
  } else {
    outcome = await told(await poort.may(contract.questions[wanted.question], contract.record, options));
  }
  console.log(JSON.stringify({ case: wanted.name, outcome }));
}

async function told(answer: Granted<any> | Denied) {
  const ran: string[] = [];
  const handler = (name: string, does: (parameters: any, record: any) => any) => (parameters: any, record: any) => {
    const changed = does(parameters, record);
    ran.push(name);
    return changed;
  };
  const same = (_: unknown, record: any) => record;
  const kept = (fields: string[], record: any) =>
    record && Object.fromEntries(Object.entries(record).filter(([name]) => !fields.includes(name)));
  const broken = () => {
    throw new Error("as the case wants it");
  };
  const handlers: Handlers<any> = {
    hide: handler("hide", kept),
    note: handler("note", same),
    notification: handler("notification", same),
    session_termination: handler("session_termination", same),
    breaks: handler("breaks", broken),
  };
  const facts = { decision_record: answer.decisionRecord ?? null };
  try {
    return { ...facts, granted: true, record: await answer.comply(handlers), ran };
  } catch (denied) {
    if (!(denied instanceof Denied)) throw denied;
    const told = denied.reasonUser === "" ? {} : { reason_user: denied.reasonUser };
    return { ...facts, ...told, granted: false, answered: denied.answered, reason: denied.message, ran };
  }
}
