/**
 * A client of a gateway, for browsers and for Node from version 22 on; docs/browser-client.md explains it.
 *
 * A call is in #calls until it has ended. On each connection it is asked once: it waits in #unasked until the
 * gateway takes one more, and then has an id in #asked. So a lost connection means that all are asked again.
 *
 * @typedef {{position: number, scope: string, sequence: number, id: string, at: string, type: string,
 *   data: any, metadata?: any, meta?: any}} StoredRecord
 * @typedef {{type: string, data: any}} Event
 * @typedef {{event: Event, past: StoredRecord[], sequence: number, deadline_s: number, metadata?: any,
 *   for?: {scope: string, proposal_id: string, principal: string}}} Round
 * @typedef {boolean | {accept?: boolean, events?: Event[], reason?: any, meta?: any}} Decision
 * @typedef {{accepted: boolean, outcome: string, records?: StoredRecord[], reason?: any, meta?: any,
 *   duplicate?: boolean}} Result
 * @typedef {{scope?: string, prefix?: string, all?: boolean, where?: string}} Wanted
 * @typedef {{done: Promise<void>, close: () => void}} Handle `done` fails if the gateway refuses.
 */
const FIRST_WAIT_MS = 200, LONGEST_WAIT_MS = 10_000, WELCOME_MS = 10_000, SILENT_HEARTBEATS = 2.5;
const SCOPES_HELD_MAX = 1_000, AGAIN = Symbol("ask again"), TERMINAL = ["result", "done", "error"];
const isFinal = (code) =>
  [1000, 1009].includes(code) || (code >= 4400 && code < 4500 && ![4408, 4429].includes(code));

/** Why a call failed: `code` is one of the protocol's, or `closed`, or `reset`. */
export class GatewayError extends Error {
  constructor({ code, message, retry = false }) {
    super(`${code}: ${message}`);
    Object.assign(this, { code, retry });
    // Then it is not known whether a proposal is stored. Proposing it again with its id is right, and tells.
    this.isOutcomeOpen = ["closed", "internal", "store_failed", "superseded"].includes(code);
  }
}

/** Make a proposal id. Pages that came over plain HTTP from elsewhere have no `crypto.randomUUID`. */
export function newId() {
  const nibble = (c) => (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16);
  return crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g, nibble);
}

/**
 * Connect to a gateway, and again whenever the connection is lost, until `close()`.
 * @param {string} [url] as `wss://events.example.com`; without it, where the page came from
 * @param {{token?: string, client?: string, onStatus?: (status: "connecting" | "open" | "waiting" | "closed",
 *   about: {code?: number, reason?: string, wait_ms?: number}) => void}} [options]
 */
export const connect = (url = location.origin.replace(/^http/, "ws"), options = {}) => new Client(url, options);

class Client {
  #url; #options; #socket; #welcome; #silence; #next; #failures = 0; #asked_ms = 0; #ended;
  #calls = new Set(); #unasked = []; #asked = new Map(); #lastId = 0;

  constructor(url, options) {
    [this.#url, this.#options] = [url, options];
    this.#connect();
  }

  /**
   * Propose an event. It is sent again, under the same id, until there is a result.
   * @param {Event} event
   * @param {{scope?: string, proposalId?: string, metadata?: any,
   *   decide?: (round: Round) => Decision | Promise<Decision>}} [options] with `decide`, it is decided here
   * @returns {Promise<Result>}
   */
  propose(event, { scope, proposalId = newId(), metadata, decide } = {}) {
    const past = [], message = { type: "propose", proposal_id: proposalId, scope, event, metadata };
    if (decide) message.decide = "self";
    const call = {
      undo: "withdraw",
      ask: () => ({ ...message, known: past.length, known_id: past.at(-1)?.id }),
      past: ({ after, records }) => past.splice(after, Infinity, ...records),
      validate: (round) => this.#decide(call, round, past, decide),
      end: (result) => result,
    };
    return this.#start(call).done;
  }

  /**
   * Decide the proposals of others. What `decide` throws takes the offer back, and is the error of `done`.
   * @param {string} prefix of the scopes
   * @param {(round: Round) => Decision | Promise<Decision>} decide
   * @returns {Handle}
   */
  validateFor(prefix, decide, { rounds = 16 } = {}) {
    const pasts = new Map();
    const call = {
      undo: "unsubscribe",
      ask: () => {
        pasts.clear();
        return { type: "validate_for", prefix, rounds };
      },
      past: ({ after, records }) => {
        const scope = records[0].scope, past = pasts.get(scope) ?? [];
        if (after <= past.length) past.splice(after, Infinity, ...records);
        pasts.delete(scope); // The one that was used last is the last to go.
        if (pasts.set(scope, past).size > SCOPES_HELD_MAX) pasts.delete(pasts.keys().next().value);
      },
      validate: (round) => {
        const past = pasts.get(round.for.scope) ?? [];
        if (past.length >= round.sequence) this.#decide(call, round, past, decide);
        else this.#tell({ type: "need", id: call.id, round: round.round, known: past.length });
      },
    };
    return this.#start(call);
  }

  /**
   * Ask for a page of records; the next one is `after` the position `next`, or `before` it in descending order.
   * @param {Wanted & {after?: number, before?: number, at?: string, order?: "asc" | "desc",
   *   limit?: number}} wanted
   * @returns {Promise<{records: StoredRecord[], next: number | null}>}
   */
  query(wanted) {
    let found;
    return this.#start({
      ask: () => {
        found = [];
        return { type: "query", ...wanted };
      },
      records: ({ records }) => found.push(...records),
      end: ({ next = null }) => ({ records: found, next }),
    }).done;
  }

  /**
   * Watch scopes: all at first, and again after a lost connection; then those that change.
   * @param {{prefix?: string, onScopes: (scopes: {scope: string, sequence: number, position: number,
   *   at: string, state?: string, waiting?: number}[]) => void}} options
   * @returns {Handle}
   */
  scopes({ prefix = "", onScopes }) {
    let isFirst, isWanted = true;
    const ask = () => {
      isFirst = true;
      return { type: "scopes", prefix, watch: true };
    };
    // The first page comes with the watching; who wants to know all asks for the others.
    const others = async (after) => {
      for (let isMore = true; isMore && isWanted; ) {
        isMore = false;
        const page = () => ({ type: "scopes", prefix, after });
        const told = ({ scopes }) => {
          if (!scopes.length || !isWanted) return;
          [isMore, after] = [true, scopes.at(-1).scope];
          onScopes(scopes);
        };
        await this.#start({ ask: page, scopes: told }).done;
      }
    };
    const handle = this.#start({
      undo: "unsubscribe", ask,
      scopes: ({ scopes }) => {
        onScopes(scopes);
        if (isFirst && scopes.length) others(scopes.at(-1).scope).catch(() => {});
        isFirst = false;
      },
    });
    return { ...handle, close: () => handle.close((isWanted = false)) };
  }

  /**
   * Follow records without gap or duplicate, by `onRecords` or by `for await (const record of …)`. If the store
   * has another history, what was read is void: with `onReset` it begins anew from 0, without it fails.
   * @param {Wanted & {after?: number | "end", store?: string, onRecords?: (records: StoredRecord[]) => void,
   *   onCaughtUp?: (position: number) => void, onReset?: (store: string) => void}} options
   * @returns {Handle & AsyncIterable<StoredRecord> & {position: number | "end", store?: string,
   *   caughtUp: () => Promise<void>}} `position` and `store` say where it may be taken up again
   */
  subscribe({ after = 0, store, onRecords, onCaughtUp, onReset, ...wanted }) {
    const queue = [];
    let isOver = false, wake = () => {}, isThere;
    onRecords ??= (records) => {
      queue.push(...records);
      wake();
    };
    const handle = this.#start({
      undo: "unsubscribe",
      ask: () => {
        const message = { type: "subscribe", ...wanted, after: handle.position, store: handle.store };
        handle.store ??= this.#welcome.store;
        return message;
      },
      records: ({ records }) => {
        const fresh = records.filter(({ position }) => !(position <= handle.position));
        if (fresh.length === 0) return;
        handle.position = fresh.at(-1).position;
        onRecords(fresh);
      },
      caught_up: ({ position }) => {
        handle.position = position;
        isThere();
        onCaughtUp?.(position);
      },
      reset: (message) => ([handle.position, handle.store] = [0, message.store]),
      end: () => {
        if (!onReset) throw new GatewayError({ code: "reset", message: "the store has another history now" });
        onReset(handle.store);
        return AGAIN;
      },
    });
    const there = new Promise((resolve) => (isThere = resolve));
    handle.done.catch(() => {}).then(() => {
      isOver = true;
      wake();
    });
    return Object.assign(handle, {
      position: after, store, caughtUp: () => Promise.race([there, handle.done]),
      async *[Symbol.asyncIterator]() {
        try {
          while (!isOver || queue.length) {
            if (!queue.length) await new Promise((resolve) => (wake = resolve));
            yield* queue.splice(0);
          }
          await handle.done;
        } finally {
          handle.close();
        }
      },
    });
  }

  /** End all calls and the connection. Whether what has no result yet is stored stays open. */
  close() {
    this.#stop(1000, "this client was closed", true);
  }

  // --- calls: started, asked, and ended -----------------------------------------------------------

  #start(call) {
    const done = new Promise((resolve, reject) => Object.assign(call, { resolve, reject }));
    if (this.#ended) call.reject(this.#ended);
    else {
      this.#calls.add(call);
      this.#unasked.push(call);
      // Not at once: whoever starts it has to get its handle first.
      queueMicrotask(() => this.#askWaiting());
    }
    return { done, close: () => this.#abandon(call, () => call.resolve()) };
  }

  #askWaiting() {
    while (this.#unasked.length && this.#asked.size < (this.#welcome?.limits.open_requests ?? 0)) {
      const call = this.#unasked.shift();
      if (!this.#calls.has(call)) continue;
      call.id = ++this.#lastId;
      try {
        this.#tell({ ...call.ask(), id: call.id });
        this.#asked.set(call.id, call);
      } catch (error) {
        this.#abandon(call, () => call.reject(error));
      }
    }
  }

  #tell(message) {
    const text = JSON.stringify(message), bytes_max = this.#welcome?.limits.message_bytes ?? Infinity;
    if (text.length > bytes_max)
      throw new GatewayError({ code: "too_large", message: `expected ${bytes_max} bytes at most, found more` });
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  async #decide(call, { round, ...shown }, past, decide) {
    const socket = this.#socket;
    try {
      const decision = await decide({ ...shown, past: past.slice(0, shown.sequence) });
      const said = decision instanceof Object ? decision : { accept: decision };
      // On another connection it is another round, and is decided anew.
      if (socket === this.#socket) this.#tell({ type: "decide", id: call.id, round, ...said });
    } catch (error) {
      this.#abandon(call, () => call.reject(error));
    }
  }

  /** Want nothing more of a call: the gateway is told, and the call ends as its caller says. */
  #abandon(call, end) {
    if (!this.#calls.delete(call)) return;
    if (this.#asked.get(call.id) === call) this.#tell({ type: call.undo, id: call.id });
    end();
  }

  /** A call's terminal message is here. */
  #end(call, message) {
    this.#asked.delete(message.id);
    // After `shutting_down` it stays, and the next gateway is asked.
    if (!this.#calls.has(call) || message.code === "shutting_down") return;
    try {
      if (message.type === "error") throw new GatewayError(message);
      const answer = call.end?.(message);
      if (answer === AGAIN) return this.#unasked.push(call);
      call.resolve(answer);
    } catch (error) {
      call.reject(error);
    }
    this.#calls.delete(call);
  }

  // --- connections: one after the other ---------------------------------------------------------------

  #connect() {
    const socket = (this.#socket = new WebSocket(this.#url, "atomic-store.v1"));
    const { token, client } = this.#options;
    const ifCurrent = (react) => (event) => socket === this.#socket && react(event);
    socket.onopen = ifCurrent(() => this.#tell({ type: "hello", token, client }));
    socket.onmessage = ifCurrent(({ data }) => this.#hear(JSON.parse(data)));
    socket.onclose = ifCurrent(({ code, reason }) => this.#lost(code, reason));
    this.#expectWord(WELCOME_MS);
    this.#say("connecting");
  }

  /** A network may go away without a word. */
  #expectWord(within_ms) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(1006, "nothing was heard"), within_ms);
  }

  #hear(message) {
    if (message.type === "goodbye") this.#asked_ms = 1000 * (message.reconnect_after_s ?? 0);
    if (message.type === "welcome") {
      [this.#welcome, this.#failures, this.#unasked] = [message, 0, [...this.#calls]];
      this.#say("open", message);
    }
    if (this.#welcome) this.#expectWord(1000 * SILENT_HEARTBEATS * this.#welcome.heartbeat_s);
    const call = this.#asked.get(message.id);
    if (call && TERMINAL.includes(message.type) && message.final !== false) this.#end(call, message);
    else if (message.type === "error" && message.code !== "stale_round")
      this.#abandon(call, () => call.reject(new GatewayError(message))); // A decision was refused.
    else if (this.#calls.has(call)) call[message.type]?.(message);
    this.#askWaiting();
  }

  #lost(code, reason) {
    if (isFinal(code)) return this.#stop(code, reason, false);
    const longest_ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures++);
    const wait_ms = this.#asked_ms + longest_ms * Math.random();
    this.#leave();
    this.#next = setTimeout(() => this.#connect(), wait_ms);
    this.#say("waiting", { code, reason, wait_ms });
  }

  #leave() {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    [this.#socket, this.#welcome, this.#asked_ms] = [null, null, 0];
    this.#asked.clear();
    socket?.close(1000);
  }

  #stop(code, reason, isOwnWish) {
    if (this.#ended) return;
    this.#ended = new GatewayError({ code: "closed", message: `${code} ${reason}` });
    clearTimeout(this.#next);
    this.#leave();
    for (const call of this.#calls) {
      if (isOwnWish && call.undo === "unsubscribe") call.resolve();
      else call.reject(this.#ended);
    }
    this.#calls.clear();
    this.#say("closed", { code, reason });
  }

  #say(status, about = {}) {
    queueMicrotask(() => this.#options.onStatus?.(status, about));
  }
}
