/**
 * What a lot's records amount to: who leads, at which price. Pure.
 *
 * The price is the one that the house noted when it decided. Only who leads is worked out here, as the
 * house does: of two equal bids, the earlier one stays ahead.
 *
 * @typedef {{bidder: string, cents: number}} Bid
 * @typedef {{name: string, item: string, cents: number, highest: Bid | null, second: Bid | null, bids: number,
 *   bidders: Set<string>, prices: number[]}} Lot
 */

const PRICES_KEPT = 60;

/** @returns {Lot} */
export function newLot(name) {
  return { name, item: name, cents: 0, highest: null, second: null, bids: 0, bidders: new Set(), prices: [] };
}

/**
 * Add a record to its lot.
 * @param {Lot} lot
 * @param {import("/atomic-store.js").StoredRecord} record
 * @returns {{bidder: string, leads: boolean, led: boolean, leader: string, cents: number} | null} what a bid led
 *   to, and whether its bidder led before; null for what is no bid
 */
export function add(lot, record) {
  const { data, meta, type } = record;
  if (type === "Opened") {
    lot.item = data.item;
    lot.cents = data.opening_cents;
    lot.prices = [lot.cents];
    return null;
  }
  if (type !== "Bid") return null;
  const bid = { bidder: data.bidder, cents: data.max_cents };
  const led = lot.highest?.bidder === bid.bidder;
  const ranked = [lot.highest, lot.second].filter((one) => one !== null);
  if (!ranked.some((one) => one.bidder === bid.bidder && one.cents >= bid.cents)) {
    const others = ranked.filter((one) => one.bidder !== bid.bidder);
    // Sorting is stable.
    [lot.highest, lot.second = null] = [...others, bid].sort((a, b) => b.cents - a.cents);
  }
  lot.bids += 1;
  lot.bidders.add(bid.bidder);
  lot.cents = meta?.price_cents ?? lot.cents;
  lot.prices = [...lot.prices, lot.cents].slice(-PRICES_KEPT);
  const leader = lot.highest.bidder;
  return { bidder: bid.bidder, leads: leader === bid.bidder, led, leader, cents: lot.cents };
}

/** A tenth more than the price, up to a whole 5 cents; what a lot without bids asks for is enough. */
export function quickCents(lot) {
  return lot.bids === 0 ? lot.cents : Math.ceil((lot.cents * 11) / 50) * 5;
}

/** An amount that somebody typed, in cents; null if it is none. */
export function centsOf(text) {
  if (!/^\d{1,10}([.,]\d{1,2})?$/.test(text.trim())) return null;
  const [units, part = ""] = text.trim().split(/[.,]/);
  return Number(units) * 100 + Number(part.padEnd(2, "0"));
}
