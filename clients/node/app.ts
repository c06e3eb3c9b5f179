// An Express application that shows reports, each after poort allowed it.
//
//     npm install express && npm install --save-dev typescript @types/node @types/express
//     poort codegen --lang typescript clients/policies > questions.ts
//     npx tsc --project . --outDir built
//     POORT=http://127.0.0.1:50051 PORT=8000 node built/app.js
//     curl -H 'Authorization: Bearer anna' http://127.0.0.1:8000/reports/r-1

import express, { type NextFunction, type Request, type Response } from "express";
import { Denied, Poort, type Question } from "./poort.js";
import { ask, type ObligationHandlers } from "./questions.js";

type Report = { unit: string; sealed: boolean; reporter?: string; text: string };

const poort = new Poort(process.env.POORT);
const app = express();

// The application's data, and its sessions: an access token for each account. A login would make them.
const REPORTS = new Map<string, Report>([
  ["r-1", { unit: "north", sealed: false, reporter: "R. Voorbeeld", text: "A bicycle is gone." }],
  ["r-2", { unit: "south", sealed: false, reporter: "S. Voorbeeld", text: "A window is broken." }],
  ["r-3", { unit: "north", sealed: true, reporter: "T. Voorbeeld", text: "A wallet was found." }],
]);
const SESSIONS = new Map(["anna", "leo", "pim"].map((name) => [name, name]));

function question(user: string, number: string, { unit, sealed }: Report): Question {
  const resource = { id: number, properties: { unit, sealed } };
  return ask.consult.Report({ subject: { type: "User", id: user }, resource });
}

// What this application can do of what an answer asks for.
function handlers(user: string): ObligationHandlers<Report> {
  return {
    hide: (fields, report) =>
      Object.fromEntries(Object.entries(report).filter(([name]) => !fields.includes(name))) as Report,
    session_termination: (_, report) => {
      SESSIONS.delete(user);
      return report;
    },
  };
}

app.use((request, response, next) => {
  const user = SESSIONS.get((request.headers.authorization ?? "").replace("Bearer ", ""));
  if (user === undefined) return void response.status(401).json({});
  response.locals.user = user;
  next();
});

app.get("/reports/:number", async ({ params: { number }, headers }, response) => {
  const user = response.locals.user;
  const report = REPORTS.get(number);
  if (report === undefined) return void response.status(404).json({});
  const answer = await poort.may(question(user, number, report), report, { trace: headers });
  response.json(await answer.comply(handlers(user)));
});

app.get("/reports", async ({ headers }, response) => {
  const user = response.locals.user;
  const rows = [...REPORTS].map(([number, report]) => [question(user, number, report), report] as const);
  const shown: Report[] = [];
  for (const answer of await poort.mayEach(rows, { trace: headers })) {
    try {
      shown.push(await answer.comply(handlers(user)));
    } catch (error) {
      if (!(error instanceof Denied && error.answered)) throw error;
    }
  }
  response.json(shown);
});

// Why stays in the logs: the message may tell what the user must not know. `reasonUser` tells what the user may know.
app.use((error: unknown, _: Request, response: Response, next: NextFunction) => {
  if (!(error instanceof Denied)) return next(error);
  response.status(error.answered ? 403 : 503).json({ reason: error.reasonUser || "This is not possible now." });
});

app.listen(Number(process.env.PORT ?? 8000), "127.0.0.1");
