/**
 * The page of the auction: it follows all records, shows what they amount to, and proposes bids.
 *
 * It decides nothing. What records and the house say goes into the page as text alone (`textContent`), and
 * what changes at once is drawn at once: once a frame.
 */
import { connect, newId } from "/atomic-store.js";
import { add, centsOf, newLot, quickCents } from "/lots.js";

const FEED_SHOWN = 40, NAME_SHOWN = 60;
const ANIMALS = ["Badger", "Crane", "Finch", "Fox", "Hare", "Heron", "Lynx", "Marten", "Otter", "Owl", "Stoat", "Wren"];

const $ = (id) => document.getElementById(id);
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const money = (cents) => dollars.format(cents / 100);
const order = new Intl.Collator("en", { numeric: true });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const lots = new Map(); // by name: what is known of it, and its card
const mine = new Map(); // by proposal id: who waits for what became of it
const changed = new Set();
let feed = [], total = 0, isCaughtUp = false, isDue = false;

// --- who bids ---------------------------------------------------------------------------------

/** Each window is somebody of its own, and stays so when it is loaded again. */
function remember(name) {
  try {
    if (name !== undefined) sessionStorage.setItem("bidder", name);
    return sessionStorage.getItem("bidder");
  } catch {
    return null; // Where nothing may be kept, nothing is.
  }
}

function anybody() {
  const animal = ANIMALS[Math.floor(Math.random() * ANIMALS.length)];
  return `${animal} ${10 + Math.floor(Math.random() * 90)}`;
}

const bidder = $("bidder");
bidder.value = remember() || anybody();
remember(bidder.value);
bidder.addEventListener("input", () => {
  remember(bidder.value.trim());
  lots.forEach((_, name) => draw(name));
});
const me = () => bidder.value.trim();

// --- the connection ---------------------------------------------------------------------------

const STATUS = {
  connecting: () => "Connecting",
  open: () => "Live",
  waiting: () => "Connection lost, trying again",
  closed: ({ code, reason }) => `Closed: ${reason || code}`,
};

const house = connect(undefined, {
  client: "auction page",
  onStatus: (status, about) => {
    $("status").dataset.status = status;
    $("status-text").textContent = STATUS[status](about);
  },
});

const following = house.subscribe({
  all: true,
  onRecords: (records) => records.forEach(take),
  onCaughtUp: () => {
    isCaughtUp = true;
    draw();
  },
  onReset: () => {
    // Another store is behind this address: nothing that is shown is true any more.
    lots.forEach(({ card }) => card.root.remove());
    lots.clear();
    [feed, total, isCaughtUp] = [[], 0, false];
    draw();
  },
});
following.done.catch((error) => {
  $("status").dataset.status = "closed";
  $("status-text").textContent = error.message;
});

function take(record) {
  total += 1;
  if (!lots.has(record.scope)) lots.set(record.scope, { lot: newLot(record.scope), card: newCard(record.scope) });
  const { lot } = lots.get(record.scope);
  const bid = add(lot, record);
  if (bid !== null) {
    feed = [{ ...bid, item: lot.item, position: record.position, at: record.at }, ...feed].slice(0, FEED_SHOWN);
    mine.get(record.id)?.(bid);
  }
  draw(record.scope, isCaughtUp);
}

// --- bidding ------------------------------------------------------------------------------------

/** Propose a bid, and say beside it what became of it. */
async function place(name, cents) {
  const { card } = lots.get(name);
  if (!me()) {
    bidder.focus();
    return answer(card, "bad", "Say who you are first, at the top.");
  }
  if (cents === null) return answer(card, "bad", "Expected an amount such as 12.50.");
  const proposalId = newId();
  const seen = new Promise((resolve) => mine.set(proposalId, resolve));
  const isLive = $("status").dataset.status === "open";
  answer(card, "wait", isLive ? "The house decides…" : "No connection: your bid goes out, once, as soon as there is one.");
  card.pending += 1;
  draw(name);
  try {
    const event = { type: "Bid", data: { lot: name, bidder: me(), max_cents: cents } };
    const result = await house.propose(event, { proposalId });
    if (result.accepted) answer(card, ...verdict(await seen, cents));
    else answer(card, "bad", objection(result));
  } catch (error) {
    answer(card, "bad", error.isOutcomeOpen ? `Unknown whether your bid counts: ${error.message}` : error.message);
  } finally {
    mine.delete(proposalId);
    card.pending -= 1;
    draw(name);
  }
}

function verdict(bid, cents) {
  const rest = cents > bid.cents ? `, and would pay up to ${money(cents)}` : "";
  if (bid.leads) return ["good", `Accepted: you lead at ${money(bid.cents)}${rest}.`];
  return ["bad", `Accepted, but not enough: ${cut(bid.leader)} had bid as much or more.`];
}

function objection({ outcome, reason }) {
  if (outcome !== "rejected") return `Not decided (${outcome}). Bid again.`;
  const text = String(reason ?? "no reason given");
  return text.startsWith("the price is") ? `Too low: ${text}.` : `Refused: ${text}.`;
}

function answer(card, kind, text) {
  card.answer.className = `answer ${kind}`;
  card.answer.textContent = text;
}

// --- what is shown ---------------------------------------------------------------------------------

/** What people typed, as text of some length; what is not printable is shown by its number. */
function cut(text) {
  const number = (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`;
  const shown = Array.from(String(text).slice(0, 2 * NAME_SHOWN), (c) => c.replace(/[\p{C}\p{Zl}\p{Zp}]/u, number)).join("");
  const characters = Array.from(shown);
  return characters.length > NAME_SHOWN ? `${characters.slice(0, NAME_SHOWN).join("")}…` : shown;
}

/** An element with text in it; a `bdi` keeps the direction of what people typed to itself. */
function element(tag, className, ...parts) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...parts); // strings become text
  return made;
}

function newCard(name) {
  const root = $("lot-template").content.firstElementChild.cloneNode(true);
  const part = (selector) => root.querySelector(selector);
  const card = {
    root, pending: 0, led: false,
    bids: part(".lot-bids"), item: part(".lot-item"), price: part(".price"), trend: part("polyline"),
    leader: part(".leader"), badge: part(".badge"), quick: part(".quick"), amount: part(".amount"),
    answer: part(".answer"),
  };
  root.dataset.lot = name;
  part(".lot-name").textContent = cut(name);
  card.amount.setAttribute("aria-label", `Your bid for ${cut(name)}, in dollars`);
  card.quick.addEventListener("click", () => place(name, quickCents(lots.get(name).lot)));
  part("form").addEventListener("submit", (event) => {
    event.preventDefault();
    place(name, centsOf(card.amount.value));
  });
  root.addEventListener("animationend", () => root.classList.remove("is-new"));
  const isBehind = (other) => other.dataset.lot !== undefined && order.compare(name, other.dataset.lot) < 0;
  $("lots").insertBefore(root, [...$("lots").children].find(isBehind) ?? null);
  return card;
}

/** Draw a lot, and what stands around the lots, with the next frame. */
function draw(name, isNew = false) {
  if (name !== undefined) changed.add(name);
  if (isNew) lots.get(name).isNew = true;
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    changed.forEach((one) => lots.has(one) && drawLot(lots.get(one)));
    changed.clear();
    drawFeed();
  });
}

function drawLot(one) {
  const { lot, card } = one;
  const leads = lot.highest?.bidder === me(), isOutbid = !leads && lot.bidders.has(me());
  card.item.textContent = cut(lot.item);
  card.bids.textContent = lot.bids === 1 ? "1 bid" : `${lot.bids} bids`;
  card.price.textContent = money(lot.cents);
  if (lot.highest) card.leader.replaceChildren(element("bdi", "", cut(lot.highest.bidder)), " leads");
  else card.leader.replaceChildren("Nobody has bid yet");
  card.badge.hidden = !leads && !isOutbid;
  card.badge.className = leads ? "badge leads" : "badge outbid";
  card.badge.textContent = leads ? "You lead" : "Outbid";
  card.quick.textContent = `${lot.bids ? "+10 % · " : "Bid "}${money(quickCents(lot))}`;
  card.quick.disabled = card.pending > 0;
  card.trend.setAttribute("points", trend(lot.prices));
  card.root.classList.toggle("is-mine", leads);
  // What was said about a bid is true no more.
  if (card.led && isOutbid && card.pending === 0) answer(card, "bad", "You have been outbid.");
  card.led = leads;
  if (one.isNew) card.root.classList.add("is-new");
  one.isNew = false;
}

function trend(prices) {
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  if (prices.length < 2 || low === high) return "";
  const x = (place) => (1 + (98 * place) / (prices.length - 1)).toFixed(1);
  const y = (cents) => (28 - (26 * (cents - low)) / (high - low)).toFixed(1);
  return prices.map((cents, place) => `${x(place)},${y(cents)}`).join(" ");
}

function drawFeed() {
  $("empty").hidden = lots.size > 0;
  $("empty").textContent = isCaughtUp ? "There is no lot." : "The lots are on their way.";
  $("total").textContent = `${total.toLocaleString("en-US")} records, each of them on disk.`;
  $("feed").replaceChildren(...feed.map(feedLine));
}

function feedLine(bid) {
  const line = element(
    "li", bid.bidder === me() ? "is-mine" : "",
    element("div", "who", element("bdi", "", cut(bid.bidder)), ` ${deed(bid)}`),
    element("div", "sum", money(bid.cents)),
    element("div", "what", element("bdi", "", cut(bid.item))),
    element("div", "at", clock.format(new Date(bid.at))),
  );
  line.dataset.position = bid.position;
  return line;
}

function deed({ leads, led }) {
  if (!leads) return "is outbid at once";
  return led ? "would pay more" : "takes the lead";
}
