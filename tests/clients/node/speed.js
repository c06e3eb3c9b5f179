// Compares gRPC with JSON as a Node application asks: in turns, one call at a time and 32 at a time.
//
//     poort serve --policies clients/policies
//     node tests/clients/node/speed.js 127.0.0.1:50051 [CALLS]
//
// gRPC is grpc-js over one connection; JSON is `node:http` over connections that are kept. It prints a line of JSON for each:
// calls a second, and the median time of a call in milliseconds. Each answer is checked.

import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import http from "node:http";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROUNDS = 5;
const CALLS = Number(process.argv[3] ?? 2000);
const proto = fileURLToPath(new URL("../../../proto", import.meta.url));
const definition = protoLoader.loadSync("poort/v1/access_evaluation.proto", { includeDirs: [proto] });
const { AccessEvaluation } = grpc.loadPackageDefinition(definition).poort.v1;

const address = process.argv[2];
const parts = {
  subject: { type: "User", id: "anna" },
  action: { name: "consult" },
  resource: { type: "Report", id: "r-1" },
};

function overGrpc() {
  const client = new AccessEvaluation(address, grpc.credentials.createInsecure());
  const evaluate = promisify(client.evaluate.bind(client));
  const fields = { unit: { stringValue: "north" }, sealed: { boolValue: false } };
  const question = { ...parts, resource: { ...parts.resource, properties: { fields } } };
  return async () => (await evaluate(question)).decision;
}

function overJson() {
  const agent = new http.Agent({ keepAlive: true });
  const [host, port] = address.split(":");
  const resource = { ...parts.resource, properties: { unit: "north", sealed: false } };
  return async () => {
    const body = JSON.stringify({ ...parts, resource });
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const to = { host, port, agent, path: "/access/v1/evaluation", method: "POST", headers };
    const response = await new Promise((resolve, reject) => {
      http.request(to, resolve).on("error", reject).end(body);
    });
    let text = "";
    for await (const chunk of response) text += chunk;
    return JSON.parse(text).decision;
  };
}

async function round(ask, atOnce, calls) {
  const times = [];
  const start = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let call = 0; call < calls / atOnce; call++) {
        const begin = performance.now();
        if ((await ask()) !== true) throw new Error("it must be allowed");
        times.push(performance.now() - begin);
      }
    }),
  );
  return { rate: (times.length / (performance.now() - start)) * 1000, times };
}

const ways = { grpc: overGrpc(), json: overJson() };
for (const atOnce of [1, 32]) {
  const seen = { grpc: { rates: [], times: [] }, json: { rates: [], times: [] } };
  for (const ask of Object.values(ways)) await round(ask, atOnce, CALLS);
  for (let turn = 0; turn < ROUNDS; turn++) {
    for (const [way, ask] of Object.entries(ways)) {
      const { rate, times } = await round(ask, atOnce, CALLS);
      seen[way].rates.push(rate);
      seen[way].times.push(...times);
    }
  }
  for (const [way, { rates, times }] of Object.entries(seen)) {
    const middle = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
    const facts = { way, at_once: atOnce, calls_per_second: Math.round(middle(rates)), p50_ms: middle(times).toFixed(2) };
    console.log(JSON.stringify(facts));
  }
}
process.exit(0);
