// What the client for browsers does, each scenario in one function. It is given where the gateway is and, to ask
// the test for something, `ask`; what it gives back is compared in tests/test_browser_client.py.
import { connect, newId } from "./atomic-store.js";

const bid = (cents) => ({ type: "Bid", data: { cents } });
const highest = (past) => Math.max(0, ...past.map((record) => record.data.cents));
const higher = ({ event, past }) =>
  event.data.cents > highest(past) ? true : { accept: false, reason: `${highest(past)} was bidden` };
const code = (promise) => promise.then(() => "none", (error) => error.code ?? error.message);
const positions = (records) => records.map((record) => record.position);
const until = async (isSo) => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
};

// --- with a gateway ------------------------------------------------------------------------------

export async function talks(url) {
  const client = connect(url);
  const outcomes = [];
  for (const cents of [500, 400, 700]) {
    const { outcome, reason = "", meta = null } = await client.propose(bid(cents), {
      scope: "lot/1", metadata: { cents }, decide: higher,
    });
    outcomes.push([outcome, reason, meta]);
  }
  const instead = await client.propose(bid(800), {
    scope: "lot/1", decide: async () => ({ events: [bid(801), bid(802)], meta: { note: 1 } }),
  });

  const shown = [];
  const offer = client.validateFor("car/", (round) => {
    shown.push([round.for.scope, round.for.principal, round.past.length]);
    return higher(round);
  });
  const others = await Promise.all(
    ["car/1", "car/2", "car/1", "car/1"].map((scope, n) => client.propose(bid(100 + n), { scope })),
  );
  offer.close();
  const nobody = await code(client.propose(bid(1), { scope: "car/1" }));

  const first = await client.query({ scope: "car/1", limit: 2 });
  const second = await client.query({ scope: "car/1", limit: 2, after: first.next });
  const back = await client.query({ all: true, order: "desc", limit: 1, where: "data.cents < 500" });
  const iterated = [];
  for await (const record of client.subscribe({ prefix: "lot/" })) {
    iterated.push(record.data.cents);
    if (iterated.length === 4) break;
  }
  const ends = new Map();
  const watch = client.scopes({ prefix: "lot/", onScopes: (all) => all.forEach((one) => ends.set(one.scope, one.sequence)) });
  await until(() => ends.has("lot/1"));
  await client.propose(bid(1), { scope: "lot/2", decide: higher });
  await until(() => ends.get("lot/2") > 0);
  watch.close();
  await Promise.all([watch.done, offer.done]);
  client.close();
  return {
    outcomes, nobody, iterated, shown: shown.sort(),
    instead: [instead.meta, instead.records.map(({ data, part }) => [data.cents, part])],
    others: others.map((result) => [result.outcome, result.records[0].sequence]),
    pages: [first, second].map(({ records, next }) => [positions(records).length, next === null]),
    back: back.records.map(({ data }) => data.cents), scopes: [...ends],
    afterwards: await code(client.query({ all: true })),
  };
}

/** More scopes than come at a time: whoever watches is told all of them, and then what changes. */
export async function manyScopes(url) {
  const client = connect(url);
  const names = Array.from({ length: 1_050 }, (_, n) => `lot/${String(n).padStart(4, "0")}`);
  await Promise.all(names.map((scope) => client.propose(bid(1), { scope, decide: () => true })));
  const ends = new Map();
  const watch = client.scopes({ onScopes: (all) => all.forEach((one) => ends.set(one.scope, one.sequence)) });
  await until(() => ends.size === names.length);
  await client.propose(bid(2), { scope: "lot/1049", decide: () => true });
  await until(() => ends.get("lot/1049") === 2);
  watch.close();
  await watch.done;
  client.close();
  return [ends.size, [...ends.keys()].every((name) => names.includes(name))];
}

export async function fails(url) {
  const client = connect(url);
  const scope = "lot/1";
  const codes = [
    await code(client.query({ all: true, where: "nonsense here" })),
    await code(client.subscribe({ prefix: "lot/", where: "nonsense here" }).done),
    await code(client.propose(bid(1), { scope, decide: () => undefined })),
    await code(client.propose(bid(1), { scope, decide: () => ({ events: [{ type: "", data: 0 }] }) })),
    await code(client.propose(bid(1), { scope, decide: () => { throw new Error("mistaken"); } })),
    await code(client.propose({ type: "Bid", data: "x".repeat(2_000_000) }, { scope, decide: () => true })),
    await code(client.propose({ type: "Bid", data: 7n }, { scope, decide: () => true }).catch(() => Promise.reject(new Error("bigint")))),
  ];
  const offer = client.validateFor("car/", () => { throw new Error("mistaken, too"); });
  const orphan = client.propose(bid(1), { scope: "car/1" });
  codes.push(await code(offer.done));
  const taken = client.validateFor("car/", () => true); // It gets the round, whose deadline goes on.
  const { outcome } = await orphan;
  const many = await Promise.all(Array.from({ length: 150 }, () => client.query({ all: true })));
  const open = client.propose(bid(2), { scope: "lot/2", decide: () => new Promise(() => {}) });
  client.close();
  await taken.done;
  codes.push(await code(open));
  return { codes, outcome, many: many.length };
}

export async function reconnects(url, ask) {
  const statuses = [];
  const client = connect(url, { onStatus: (status) => statuses.push(status) });
  const seen = [], iterated = [], ids = [], count = 60;
  const feed = client.subscribe({ all: true, onRecords: (records) => seen.push(...records) });
  const iterating = (async () => {
    for await (const record of client.subscribe({ all: true })) {
      iterated.push(record.position);
      if (iterated.length === count) return;
    }
  })();
  await feed.caughtUp();
  const offer = client.validateFor("car/", higher);
  const results = [];
  const run = async (scope, decide) => {
    for (let n = 1; n <= count / 2; n += 1) {
      ids.push(newId());
      results.push(await client.propose(bid(n), { scope, decide, proposalId: ids.at(-1) }));
    }
  };
  const timesOpen = () => statuses.filter((status) => status === "open").length;
  const running = Promise.all([run("lot/1", higher), run("car/1")]);
  for (const [kills, after] of [10, 30].entries()) {
    await until(() => seen.length >= after && timesOpen() > kills);
    await ask("kill");
    await ask("start");
  }
  await running;
  await until(() => seen.length === count);
  await iterating;
  const { records } = await client.query({ all: true }); // Comes once it is connected again.
  client.close();
  await Promise.all([feed.done, offer.done]);
  return {
    accepted: results.filter((result) => result.accepted).length,
    seen: positions(seen), iterated, stored: positions(records),
    each: new Set(seen.map((record) => record.id)).size,
    asked: ids.every((id) => seen.some((record) => record.id === id)),
    opened: timesOpen(),
  };
}

export async function resets(url, ask) {
  const client = connect(url);
  const seen = [];
  const resets = [];
  const decide = () => true;
  await client.propose(bid(1), { scope: "lot/1", decide });
  await client.propose(bid(2), { scope: "lot/1", decide });
  const patient = client.subscribe({
    all: true,
    onRecords: (records) => seen.push(...records.map((record) => record.data.cents)),
    onReset: (store) => resets.push(store),
  });
  const strict = client.subscribe({ all: true, onRecords: () => {} });
  await Promise.all([patient.caughtUp(), strict.caughtUp()]);
  const before = patient.store;
  await ask("replace");
  const end = await code(strict.done);
  await client.propose(bid(3), { scope: "lot/1", decide });
  await until(() => seen.length === 3);
  client.close();
  return { seen, end, resets: resets.length, isOther: patient.store !== before && patient.store === resets[0] };
}

// --- with a socket that does as it is told --------------------------------------------------------

/** Replaces sockets, timers and chance for a function; time passes when it says so. */
async function withFakes(run) {
  const real = { WebSocket: globalThis.WebSocket, setTimeout, clearTimeout, random: Math.random };
  const world = { sockets: [], timers: new Map(), now: 0 };
  globalThis.WebSocket = class {
    static OPEN = 1;
    sent = [];
    constructor(url, protocol) {
      Object.assign(this, { url, protocol, readyState: 0 });
      world.sockets.push(this);
    }
    send(text) { this.sent.push(JSON.parse(text)); }
    close(code) { [this.readyState, this.closed] = [3, code]; }
    opens(more = {}) {
      this.readyState = 1;
      this.onopen({});
      this.says({ type: "welcome", store: "s-1", heartbeat_s: 20, limits: { open_requests: 3, message_bytes: 1000 }, ...more });
    }
    says(message) { this.onmessage({ data: JSON.stringify(message) }); }
    isClosed(code) { this.onclose({ code, reason: "" }); }
  };
  let last = 0;
  globalThis.setTimeout = (then, ms) => (world.timers.set(++last, { then, at: world.now + ms }), last);
  globalThis.clearTimeout = (id) => world.timers.delete(id);
  Math.random = () => 1;
  world.pass = () => {
    const [id, { then, at }] = [...world.timers].sort(([, a], [, b]) => a.at - b.at)[0];
    world.timers.delete(id);
    const passed = at - world.now;
    world.now = at;
    then();
    return passed;
  };
  world.tick = async () => { for (let n = 0; n < 20; n += 1) await null; };
  try {
    return await run(world);
  } finally {
    Object.assign(globalThis, { WebSocket: real.WebSocket, setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
    Math.random = real.random;
  }
}

export const obeysCloses = () => withFakes(async (world) => {
  const found = {};
  for (const close of [1000, 1001, 1006, 1009, 1011, 4400, 4401, 4403, 4406, 4408, 4409, 4429, 4499, 4500, 4508]) {
    const statuses = [];
    const client = connect("ws://fake", { onStatus: (status) => statuses.push(status) });
    const query = code(client.query({ all: true }));
    world.sockets.at(-1).opens();
    world.sockets.at(-1).isClosed(close);
    await world.tick();
    found[close] = statuses.at(-1) === "closed" ? await query : statuses.at(-1);
    client.close();
  }
  return found;
});

export const waits = () => withFakes(async (world) => {
  const client = connect("ws://fake", { token: "t", client: "c" });
  const waited = [];
  for (let n = 0; n < 8; n += 1) {
    world.sockets.at(-1).isClosed(1006);
    waited.push(world.pass());
  }
  world.sockets.at(-1).opens();
  world.sockets.at(-1).says({ type: "goodbye", reason: "shutdown", reconnect_after_s: 1.5 });
  world.sockets.at(-1).isClosed(1001);
  const afterGoodbye = world.pass();
  const silentWhileConnecting = world.pass(); // Nobody opened it.
  world.pass();
  world.sockets.at(-1).opens();
  const [{ sent, protocol }] = world.sockets.slice(-1);
  const silent = world.pass();
  const dropped = world.sockets.at(-1).closed;
  client.close();
  return { waited, afterGoodbye, silentWhileConnecting, silent, dropped, sent, protocol, timers: world.timers.size };
});

export const asksAgain = () => withFakes(async (world) => {
  const client = connect("ws://fake");
  const first = world.sockets[0];
  const seen = [];
  const sub = client.subscribe({ all: true, after: 4, onRecords: (records) => seen.push(...positions(records)) });
  const proposal = client.propose(bid(1), { scope: "lot/1" });
  const queries = [1, 2, 3].map((limit) => client.query({ all: true, limit }));
  first.opens();
  await world.tick();
  const atOnce = first.sent.slice(1).map(({ type, store = null }) => [type, store]);
  first.says({ type: "records", id: 1, records: [{ position: 4 }, { position: 5 }, { position: 6 }] });
  first.says({ type: "records", id: 1, records: [{ position: 6 }, { position: 7 }] });
  first.says({ type: "caught_up", id: 1, position: 9 });
  first.says({ type: "done", id: 3, next: null });
  first.says({ type: "error", id: 2, code: "shutting_down", message: "" });
  first.says({ type: "news", id: 1 });
  await world.tick();
  const later = first.sent.slice(4).map(({ type, limit }) => [type, limit]);
  first.isClosed(1001);
  world.pass();
  const second = world.sockets[1];
  first.onmessage({ data: JSON.stringify({ type: "records", id: 1, records: [{ position: 10 }] }) }); // Too late.
  second.opens();
  first.isClosed(1006); // And again.
  const again = second.sent.slice(1).map(({ type, id, after = 0, store = null }) => [type, id, after, store]);
  const ids = [first.sent[2].proposal_id, second.sent[2].proposal_id];
  second.says({ type: "result", id: again[1][1], accepted: true, outcome: "accepted", records: [], duplicate: true });
  const result = await proposal;
  const nextPages = await queries[0];
  client.close();
  const ends = await Promise.all([code(sub.done), code(queries[1]), code(queries[2])]);
  return { atOnce, later, seen, ids, sockets: world.sockets.length, position: sub.position, again, duplicate: result.duplicate, nextPages, ends };
});

export const decidesWhatIsLacking = () => withFakes(async (world) => {
  const client = connect("ws://fake");
  const seen = [];
  const offer = client.validateFor("lot/", ({ past, sequence }) => { seen.push([positions(past), sequence]); return true; });
  const socket = world.sockets[0];
  socket.opens();
  await world.tick();
  const round = { type: "validate", id: 1, round: "r-1", sequence: 2, event: bid(1), for: { scope: "lot/1" } };
  socket.says(round);
  socket.says({ type: "past", id: 1, round: "r-1", after: 0, records: [{ scope: "lot/1", position: 7 }], through: 1 });
  socket.says({ type: "past", id: 1, round: "r-1", after: 1, records: [{ scope: "lot/1", position: 9 }], through: 2 });
  socket.says(round);
  await world.tick();
  socket.says({ type: "error", id: 1, round: "r-1", code: "stale_round", message: "", final: false });
  socket.says({ type: "over", id: 1, round: "r-1", outcome: "timed_out" });
  await world.tick();
  const sent = socket.sent.slice(2).map(({ type, known, accept }) => [type, known ?? accept]);
  socket.says({ type: "error", id: 1, round: "r-2", code: "invalid_event", message: "", final: false });
  const end = await code(offer.done);
  const last = socket.sent.at(-1).type;
  client.close();
  return { seen, sent, end, last };
});

export function makesIds() {
  const own = crypto.randomUUID;
  const first = newId();
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true, writable: true });
  try {
    return [first, ...Array.from({ length: 200 }, newId)];
  } finally {
    Object.defineProperty(crypto, "randomUUID", { value: own, configurable: true, writable: true });
  }
}
