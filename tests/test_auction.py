"""The rule of the auction, where its bids come from, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.cli.auction import (
    STEP_ABOVE,
    STEPS,
    Bid,
    Lot,
    LotEvent,
    Opened,
    after,
    dollars,
    objection,
    step_cents,
)
from atomic_store.cli.bids_file import BadBids, parse_bids, read_bids
from atomic_store.cli.made_up import make_up

if TYPE_CHECKING:
    from atomic_store.cli.sale import Sale

REAL_BIDS = Path(__file__).parent.parent / "docs" / "examples" / "ebay-bids.csv"
HEADER = "lot,bid,days_after_open,bidder,opening_bid,final_price,item\n"
CSV = HEADER.encode()


def opened(opening_cents: int = 10_00) -> Lot:
    return after(Lot(), Opened("lot", "a cello", opening_cents))


def with_bids(*bids: tuple[str, int], opening_cents: int = 10_00) -> Lot:
    lot = opened(opening_cents)
    for bidder, cents in bids:
        lot = after(lot, Bid("lot", bidder, cents))
    return lot


class TestPrice:
    """The price shown."""

    def test_is_the_opening_bid_while_one_bidder_is_alone(self) -> None:
        """One bidder, however often and high, does not move the price."""
        lot = with_bids(("ada", 20_00), ("ada", 90_00))

        assert 10_00 == lot.price_cents

    def test_is_one_step_above_the_second_highest_bid(self) -> None:
        """With two bidders it is the second highest bid and its step."""
        lot = with_bids(("ada", 90_00), ("bob", 30_00))

        assert 31_00 == lot.price_cents

    def test_is_never_above_the_highest_bid(self) -> None:
        """If a whole step does not fit between the two, the highest bid is the price."""
        lot = with_bids(("ada", 30_40), ("bob", 30_00))

        assert 30_40 == lot.price_cents

    def test_counts_the_highest_bid_of_each_bidder(self) -> None:
        """Raising one's own bid does not drive up the price against oneself."""
        lot = with_bids(("ada", 50_00), ("bob", 20_00), ("ada", 90_00), ("bob", 15_00))

        assert (Bid("lot", "ada", 90_00), 20_50) == (lot.highest, lot.price_cents)

    def test_of_equal_bids_the_earlier_one_leads(self) -> None:
        """Who bids the same later is second."""
        lot = with_bids(("ada", 50_00), ("bob", 50_00))

        assert ("ada", 50_00) == (lot.highest and lot.highest.bidder, lot.price_cents)

    def test_a_third_bidder_between_the_two_becomes_second(self) -> None:
        """The second highest bid is the best of anybody but the highest bidder."""
        lot = with_bids(("ada", 90_00), ("bob", 20_00), ("cy", 40_00), ("dot", 30_00))

        assert (Bid("lot", "cy", 40_00), 41_00) == (lot.second, lot.price_cents)


class TestSteps:
    """The table of steps."""

    @pytest.mark.parametrize(
        ("cents", "step"),
        [
            (0, 5), (99, 5), (1_00, 25), (4_99, 25), (5_00, 50), (24_99, 50),
            (25_00, 1_00), (99_99, 1_00), (100_00, 2_50), (249_99, 2_50), (250_00, 5_00),
            (499_99, 5_00), (500_00, 10_00), (999_99, 10_00), (1_000_00, 25_00),
            (2_499_99, 25_00), (2_500_00, 50_00), (4_999_99, 50_00), (5_000_00, 100_00),
            (10**12, 100_00),
        ],
    )  # fmt: skip
    def test_bounds_belong_to_the_row_below(self, cents: int, step: int) -> None:
        """A bound is the last amount of its row, and the next cent is of the next one."""
        assert step == step_cents(cents)

    def test_rise_with_the_amount(self) -> None:
        """A higher bid never has a smaller step, or the price could fall."""
        bounds = [bound for bound, _ in STEPS]
        steps = [step for _, step in STEPS] + [STEP_ABOVE]

        assert (sorted(bounds), sorted(steps)) == (bounds, steps)


class TestObjection:
    """What the house refuses."""

    def test_a_bid_below_the_price_shown(self) -> None:
        """One cent below is too little, the price itself is enough."""
        lot = with_bids(("ada", 90_00), ("bob", 30_00))

        assert "the price is 31.00 already" == objection(lot, Bid("lot", "cy", 30_99))
        assert objection(lot, Bid("lot", "cy", 31_00)) is None

    def test_a_bid_below_the_opening_bid(self) -> None:
        """The first price is the opening bid."""
        assert "the price is 10.00 already" == objection(opened(), Bid("lot", "ada", 9_99))

    def test_a_bid_on_a_lot_that_is_not_open(self) -> None:
        """There is no price before the lot is opened."""
        assert "this lot is not open" == objection(Lot(), Bid("lot", "ada", 9_99))

    def test_opening_a_lot_twice(self) -> None:
        """Terms do not change once a lot is open, not even one that opened at nothing."""
        event = Opened("lot", "a cello", 5)

        assert "this lot is open already" == objection(opened(0), event)
        assert objection(Lot(), event) is None


class TestRule:
    """What holds whatever is bid."""

    @given(
        st.integers(0, 6_000_00),
        st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 7_000_00)), max_size=30),
    )
    def test_agrees_with_the_rule_as_ebay_words_it(
        self, opening_cents: int, bids: list[tuple[str, int]]
    ) -> None:
        """
        Keeping two bids is enough: the price is as from all bidders' highest bids.

        It never falls, never exceeds the highest bid nor the second by more than a step,
        and is never below the opening bid.
        """
        lot = opened(opening_cents)
        maxima: dict[str, int] = {}
        for bidder, cents in bids:
            before = lot.price_cents
            bid = Bid("lot", bidder, cents)
            assert (cents < before) == (objection(lot, bid) is not None)
            if cents < before:
                continue
            lot = after(lot, bid)
            maxima[bidder] = max(cents, maxima.get(bidder, 0))
            ranked = sorted(maxima.values(), reverse=True)
            if len(ranked) == 1:
                assert opening_cents == lot.price_cents
            else:
                assert min(ranked[0], ranked[1] + step_cents(ranked[1])) == lot.price_cents
            assert max(before, opening_cents) <= lot.price_cents <= max(ranked[0], opening_cents)

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 200_00)), max_size=20))
    def test_what_was_refused_stays_refused(self, bids: list[tuple[str, int]]) -> None:
        """A bid that was too low is too low for ever: a second run refuses the same ones."""
        lot = opened()
        refused: list[LotEvent] = []
        for bidder, cents in bids:
            bid = Bid("lot", bidder, cents)
            if objection(lot, bid) is None:
                lot = after(lot, bid)
            else:
                refused.append(bid)

        assert [] == [bid for bid in refused if objection(lot, bid) is None]


def replayed(sale: Sale) -> tuple[int, int, int]:
    """How many bids are accepted and refused, and how many lots end as recorded."""
    accepted = refused = right = 0
    for opening, queue in zip(sale.openings, sale.queues, strict=True):
        lot = after(Lot(), opening.event)
        for proposal in queue:
            if objection(lot, proposal.event) is None:
                accepted += 1
                lot = after(lot, proposal.event)
            else:
                refused += 1
        right += lot.price_cents == sale.recorded_cents[opening.event.lot]
    return accepted, refused, right


class TestBidsFile:
    """Reading bids from a file."""

    def test_the_real_bids_end_where_ebay_ended(self) -> None:
        """Of the 628 real lots, 596 end at the recorded price; 3 of 10,681 bids are refused."""
        sale = read_bids(REAL_BIDS)

        assert (628, 10_681) == (len(sale.openings), sale.bids)
        assert (10_678, 3, 596) == replayed(sale)

    def test_ids_are_unique_and_the_same_every_time(self) -> None:
        """Each row has an id of its own, which reading again gives again."""
        first, second = read_bids(REAL_BIDS), read_bids(REAL_BIDS)
        ids = [proposal.id for queue in (first.openings, *first.queues) for proposal in queue]

        assert first == second
        assert 628 + 10_681 == len(set(ids))

    def test_equal_rows_are_two_bids(self) -> None:
        """The same values twice are two proposals."""
        row = "l,12.50,0.5,ada,1,20,cello\n"
        (queue,) = parse_bids((HEADER + row + row).encode(), "f").queues

        assert [Bid("l", "ada", 12_50)] * 2 == [proposal.event for proposal in queue]
        assert queue[0].id != queue[1].id

    def test_a_lots_bids_are_in_the_order_of_their_days(self) -> None:
        """Ties keep the order of the file, and the first in order says how the lot opened."""
        rows = ("l,3,2.5,a,9,20,cello\n", "l,1,0.5,b,1,20,cello\n", "m,7,1,d,7,20,cello\n",
                "l,2,0.5,c,1,20,cello\n")  # fmt: skip
        sale = parse_bids((HEADER + "".join(rows)).encode(), "f")

        events = [proposal.event for proposal in sale.queues[0]]
        assert ["b", "c", "a"] == [event.bidder for event in events if isinstance(event, Bid)]
        assert Opened("l", "cello", 1_00) == sale.openings[0].event

    def test_other_columns_orders_and_marks_are_fine(self) -> None:
        """Columns may stand in any order, with others, a byte order mark, CRLF and blanks."""
        text = (
            "\ufeffitem,x,lot,bid,days_after_open,bidder,opening_bid,final_price\r\n"
            '"a, b",0, l ,1e2x,0,a,1,2\r\n'.replace("1e2x", "100")
        ) + "\r\n"
        sale = parse_bids(text.encode(), "f")

        assert Opened("l", "a, b", 1_00) == sale.openings[0].event
        assert Bid("l", "a", 100_00) == sale.queues[0][0].event

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "f:1: expected a header with lot, bid, "),
            (b"\n", "f:1: expected a header with lot, bid, "),
            (CSV, "f:2: expected a bid, found the end of the file"),
            (b"lot,bid\n1,2\n", "f:1: expected one column `days_after_open`, found 0 of it among "),
            (b"lot," + CSV, "f:1: expected one column `lot`, found 2 of it among "),
            (CSV + b"l,1,1,\xff,1,1,i\n", "f:2: expected text in UTF-8, found the byte 0x"),
            (CSV + b"l,1\n", "f:2: expected 7 values, as many as columns in the header,"),
            (CSV + b'l,"1"2,1,a,1,1,i\n', "f:2: expected comma-separated values, found"),
            (CSV + b'l,1,1,a,1,1,"i\n', "f:2: expected comma-separated values, found"),
        ],
    )  # fmt: skip
    def test_what_is_no_file_of_bids_is_refused(self, data: bytes, message: str) -> None:
        """The message says file and line, what was expected, and what was found."""
        with pytest.raises(BadBids) as caught:
            parse_bids(data, "f")

        assert str(caught.value).startswith(message)

    @pytest.mark.parametrize(
        ("column", "value", "expected"),
        [
            *(
                (column, value, "an amount of whole cents such as 12.50")
                for column in ("bid", "opening_bid", "final_price")
                for value in ("", "x", "NaN", "inf", "-1", "1e3", "12.345", "1_000", "٣", "9" * 99)
            ),
            *(
                ("days_after_open", value, "a number such as 2.230949, not below 0")
                for value in ("", "soon", "nan", "-0.5", "1e999", "1_0")
            ),
            ("lot", "", "a name of 1 to 512 bytes without NUL"),
            ("lot", "x\0y", "a name of 1 to 512 bytes without NUL"),
            ("lot", "é" * 257, "a name of 1 to 512 bytes without NUL"),
            ("bidder", " ", "1 to 512 characters"),
            ("item", "x" * 513, "1 to 512 characters"),
        ],
    )
    def test_a_bad_value_is_refused_where_it_stands(
        self, column: str, value: str, expected: str
    ) -> None:
        """The message names the line, the column, what was expected, and the value."""
        good = {"lot": "l", "bid": "1.50", "days_after_open": "0.5", "bidder": "a",
                "opening_bid": "1", "final_price": "2", "item": "i"}  # fmt: skip
        rows = [",".join(good.values()), ",".join({**good, column: value}.values())]

        with pytest.raises(BadBids) as caught:
            parse_bids((HEADER + "\n".join(rows) + "\n").encode(), "bids.csv")

        assert str(caught.value).startswith(f"bids.csv:3: {column}: expected {expected}, found '")

    def test_a_lot_has_one_final_price(self) -> None:
        """Two final prices of one lot are refused, naming both lines."""
        rows = "l,1,0,a,1,20,i\nl,2,1,b,1,30,i\n"

        with pytest.raises(BadBids, match=r"^f:3: final_price: expected 2000 cents as in line 2"):
            parse_bids((HEADER + rows).encode(), "f")


class TestMadeUp:
    """Bids that nobody made."""

    def test_are_the_same_for_the_same_seed(self) -> None:
        """The seed decides everything, ids included; another seed gives others."""
        sales = [make_up(seed, lots=3, bidders=20, bids_per_bidder=5) for seed in (7, 7, 8)]
        ids = [{p.id for queue in (s.openings, *s.queues) for p in queue} for s in sales]

        assert sales[0] == sales[1]
        assert 103 == len(ids[0])
        assert set() == ids[0] & ids[2]

    def test_are_one_queue_a_bidder_on_lots_that_open(self) -> None:
        """Every bidder is one queue, and bids on lots that are opened."""
        sale = make_up(1, lots=3, bidders=40, bids_per_bidder=5)
        bids = [[p.event for p in queue] for queue in sale.queues]

        bidders = [{event.bidder for event in queue if isinstance(event, Bid)} for queue in bids]

        assert ([1] * 40, 40) == (list(map(len, bidders)), len(set.union(*bidders)))
        assert 200 == sale.bids
        assert {"lot-1", "lot-2", "lot-3"} == {event.lot for queue in bids for event in queue}
        assert {"lot-1", "lot-2", "lot-3"} == {p.event.lot for p in sale.openings}


def test_amounts_are_written_as_people_write_them() -> None:
    """Two decimals, and commas between thousands."""
    assert ["0.05", "1.00", "1,234.50"] == [dollars(cents) for cents in (5, 100, 123_450)]


def test_the_example_is_the_code_that_runs() -> None:
    """The example in the documentation is the command line's own module."""
    example = REAL_BIDS.parent / "auction.py"
    module = Path(__file__).parent.parent / "atomic_store" / "cli" / "auction.py"

    assert module.samefile(example)
