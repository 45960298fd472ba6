"""`atomic-store demo`: what it prints, stores and refuses."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from command_line import (
    HEADER,
    HOSTILE,
    REAL_BIDS,
    atomic_store,
    command,
    counts,
    environment,
    journal_lines,
    lines_of,
    refusal,
)


class TestDemo:
    """`atomic-store demo`."""

    def test_tells_what_was_accepted_and_refused_and_where_it_lies(self, tmp_path: Path) -> None:
        """A feed of 20 bids, the counts and the rate, the lots, and what to do next."""
        store = tmp_path / "my auction.store"
        lines = lines_of(atomic_store("demo", "--store", store))
        bids, accepted, refused, duplicates = counts(lines)

        assert f"The store is {store}" in lines
        assert (96, 96, 0) == (bids, accepted + refused, duplicates)
        assert 20 == sum(line.startswith(("  accepted ", "  refused ")) for line in lines)
        assert "  … and 76 bids more" in lines
        assert f"  atomic-store verify '{store}'" in lines
        assert accepted + 5 == len(journal_lines(store))

    def test_the_same_again_shows_duplicates_alone(self, tmp_path: Path) -> None:
        """What was accepted is a duplicate, what was refused is refused, nothing is new."""
        store = tmp_path / "auction.store"
        first = counts(lines_of(atomic_store("demo", "--store", store, "--seed", "7")))
        stored = journal_lines(store)
        again = counts(lines_of(atomic_store("demo", "--store", store, "--seed", "7")))

        assert (first[0], 0, first[2], first[1]) == again
        assert stored == journal_lines(store)

    def test_another_auction_on_the_same_store_finds_the_lots_open(self, tmp_path: Path) -> None:
        """Other terms for a lot that is open are refused, and the output says so."""
        store = tmp_path / "auction.store"
        lines_of(atomic_store("demo", "--store", store, "--seed", "1"))
        lines = lines_of(atomic_store("demo", "--store", store, "--seed", "2"))

        assert "5 lots had been opened before, with other terms." in lines
        assert 0 == counts(lines)[3]

    def test_without_a_place_it_makes_one(self, tmp_path: Path) -> None:
        """The store lies in a new temporary directory, which the output names."""
        lines = lines_of(atomic_store("demo", env={"TMPDIR": str(tmp_path)}))

        (store,) = tmp_path.glob("auction-*/auction.store")
        assert f"The store is {store}" in lines

    def test_replays_the_real_bids(self, tmp_path: Path) -> None:
        """
        596 of 628 real lots end at the price that eBay recorded.

        A second run on the same store admits nothing, and every price stays.
        """
        runs = [
            lines_of(atomic_store("demo", "--bids", REAL_BIDS, "--store", tmp_path / "ebay.store"))
            for _ in range(2)
        ]

        said = "596 of 628 lots ended at the price that eBay recorded."
        assert [True, True] == [said in lines for lines in runs]
        assert [(10_681, 10_678, 3, 0), (10_681, 0, 3, 10_678)] == list(map(counts, runs))
        assert 628 + 10_678 == len(journal_lines(tmp_path / "ebay.store"))

    def test_a_bad_file_makes_no_store(self, tmp_path: Path) -> None:
        """The whole file is read first: a bad last line is refused before anything is stored."""
        bids = tmp_path / "bids.csv"
        bids.write_text(HEADER + "l,1,0,a,1,2,i\nl,NaN,0,a,1,2,i\n")
        run = atomic_store("demo", "--bids", bids, "--store", tmp_path / "auction.store")

        expected = "bid: expected an amount of whole cents such as 12.50, found 'NaN'"
        assert f"atomic-store: {bids}:3: {expected}\n" == refusal(run)
        assert 2 == run.returncode
        assert [bids] == list(tmp_path.iterdir())

    @pytest.mark.parametrize("place", ["nowhere.csv", "."])
    def test_a_file_that_cannot_be_read_is_named(self, place: str, tmp_path: Path) -> None:
        """No file, or a directory in its place: exit 2."""
        run = atomic_store("demo", "--bids", place, cwd=tmp_path)

        assert refusal(run).startswith(f"atomic-store: {place}: ")
        assert 2 == run.returncode

    def test_bids_are_either_made_up_or_read(self) -> None:
        """Options for made-up bids together with a file are refused."""
        run = atomic_store("demo", "--bids", REAL_BIDS, "--lots", "3")

        assert refusal(run).startswith("atomic-store: --lots makes bids up, --bids takes them ")
        assert 2 == run.returncode

    def test_hostile_names_in_a_file_are_shown_by_number(self, tmp_path: Path) -> None:
        """What a terminal would obey does not reach it."""
        bids = tmp_path / "bids.csv"
        row = f"\x1b[2J{HOSTILE},1,0,\x1b]0;x\x07,1,2,\u202e\x9b\n".replace("\u2028\t", "")
        bids.write_text(HEADER + row)
        run = atomic_store("demo", "--bids", bids, "--store", tmp_path / "auction.store")

        text = "".join(lines_of(run))
        assert text.isprintable()
        assert "\\x1b]0;x\\x07" in text

    def test_an_interrupt_ends_it_quietly_and_harms_nothing(self, tmp_path: Path) -> None:
        """Ctrl-C in the middle: exit 130, no traceback, and the store is in order."""
        store = tmp_path / "auction.store"
        many = ("--bidders", "100", "--bids-per-bidder", "1000")
        with subprocess.Popen(
            command("demo", "--store", store, *many),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
        ) as process:  # fmt: skip
            assert process.stdout is not None
            while b"  the price is " not in process.stdout.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)

        assert (b"", 130) == (stderr.strip(), process.returncode)
        assert 0 == atomic_store("verify", store).returncode
