// Runs a scenario in Node: what it asks for goes out on stdout, a line each, and comes back on stdin.
import { createInterface } from "node:readline";
import * as scenarios from "./scenarios.js";

const [name, url] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

async function ask(what) {
  say({ do: what });
  return JSON.parse((await lines.next()).value);
}

say({ result: await scenarios[name](url, ask) });
