"""Tokens: who has one, and that nothing like one will do."""

from __future__ import annotations

import ast
import hmac
import inspect
import textwrap
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.gateway.access import tokens as module
from atomic_store.gateway.access.tokens import (
    PREFIX_BYTES_MAX,
    SECRET_BYTES,
    TOKENS_MAX,
    Entry,
    Known,
    TokenSet,
    digest_of,
    id_of,
    make_token,
    note_fault,
    prefix_fault,
    principal_fault,
    redacted,
)
from atomic_store.gateway.protocol.rights import Principal, Right
from atomic_store.journal.drafts import SCOPE_BYTES_MAX
from token_files import NOW, entry, token, tokens

SECRETS = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)
LATER = NOW + timedelta(hours=1)


class TestMaking:
    def test_a_token_is_its_secret_with_a_prefix(self) -> None:
        """32 bytes in URL-safe base64, without padding."""
        made = make_token(bytes(range(32)))

        assert "as1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" == made
        assert bytes(range(32)) == urlsafe_b64decode(made.removeprefix("as1_") + "=")

    @pytest.mark.parametrize("size", [0, 16, 31, 33])
    def test_a_short_secret_is_refused(self, size: int) -> None:
        """Not 32 bytes are an error of whoever asks."""
        with pytest.raises(ValueError, match=f"expected 32 random bytes, found {size}"):
            make_token(bytes(size))

    def test_the_hash_is_of_the_whole_text(self) -> None:
        """What is kept is the SHA-256 of the token, and the id is its beginning."""
        digest = sha256(token(1).encode()).digest()

        assert digest == digest_of(token(1))
        assert digest.hex()[:12] == id_of(digest) == entry(1).id

    def test_what_is_kept_does_not_show_itself(self) -> None:
        """Neither the token nor its hash is in the text of an entry or of a set."""
        shown = repr(entry(1)) + repr(tokens(entry(1))) + repr(entry(1).known)

        assert token(1) not in shown
        assert repr(digest_of(token(1))) not in shown


class TestLookUp:
    def test_a_token_is_somebodys(self) -> None:
        """It gives its id, its principal with the rights, and when it expires."""
        kept = tokens(entry(1), entry(2, "bob", expires=LATER, read=("lot/",)))

        assert Known(entry(1).id, Principal("ada", {Right.READ: ("",)}), None) == kept.lookup(
            token(1), NOW
        )
        assert Known(entry(2).id, Principal("bob", {Right.READ: ("lot/",)}), LATER) == kept.lookup(
            token(2), NOW
        )

    def test_another_token_is_nobodys(self) -> None:
        """What is not in the set, or is no token at all, is unknown."""
        kept = tokens(entry(1))

        for text in (token(2), "", "as1_", "x", token(1)[4:], entry(1).id, entry(1).sha256.hex()):
            assert kept.lookup(text, NOW) is None
        assert TokenSet().lookup(token(1), NOW) is None

    def test_an_expired_token_is_unknown(self) -> None:
        """From the moment at which it expires, not one microsecond before."""
        kept = tokens(entry(1, expires=LATER))

        assert kept.lookup(token(1), LATER - timedelta(microseconds=1)) is not None
        assert kept.lookup(token(1), LATER) is None
        assert kept.still_valid(entry(1).id, LATER - timedelta(microseconds=1)) is not None
        assert kept.still_valid(entry(1).id, LATER) is None

    @given(SECRETS, st.integers(0, 8 * 47 - 1))
    def test_no_bit_may_be_flipped(self, secret: bytes, bit: int) -> None:
        """A token with one other bit, in whichever place, is nobody's."""
        right = make_token(secret)
        kept = tokens(Entry(sha256=digest_of(right), principal=Principal("a", {}), created=NOW))
        flipped = bytearray(right.encode())
        flipped[bit // 8] ^= 1 << bit % 8

        assert kept.lookup(right, NOW) is not None
        assert kept.lookup(flipped.decode("latin-1"), NOW) is None

    @given(
        st.text(max_size=3) | st.sampled_from(["", "=", "\n", "\0", " ", "Bearer ", "%00"]),
        st.text(max_size=3) | st.sampled_from(["", "=", "==", "\n", "\0", " ", ".", "\ud800"]),
        st.sampled_from([str, str.upper, str.lower, str.swapcase, lambda t: t[::-1]]),
        st.slices(47),
    )
    def test_nothing_like_a_token_is_accepted(
        self, before: str, after: str, change: Callable[[str], str], part: slice
    ) -> None:
        """Only the text itself: nothing around it, no part of it, no other case."""
        right = make_token(bytes(range(100, 132)))
        kept = tokens(Entry(sha256=digest_of(right), principal=Principal("a", {}), created=NOW))

        for text in (before + right + after, change(right), right[part], before + right[part]):
            assert (text == right) == (kept.lookup(text, NOW) is not None)

    @pytest.mark.parametrize("more", ["\ud800", "\n", "\0", "=", "A" * 10_000_000])
    def test_what_has_not_the_form_is_not_hashed(
        self, more: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What strangers send costs a look at its form, however long it is."""
        monkeypatch.delattr(module, "digest_of")

        assert tokens(entry(1)).lookup(token(1) + more, NOW) is None
        assert tokens(entry(1)).lookup(more + token(1), NOW) is None

    def test_unused_bits_count(self) -> None:
        """Another last character that base64 would decode to the same bytes is refused."""
        right = make_token(bytes(32))
        other = right[:-1] + "B"

        assert urlsafe_b64decode(right[4:] + "=") == urlsafe_b64decode(other[4:] + "=")
        assert tokens(entry(0)).lookup(right, NOW) is not None
        assert tokens(entry(0)).lookup(other, NOW) is None

    @pytest.mark.parametrize("number", [1, 2, 3], ids=["known", "expired", "unknown"])
    def test_whole_hashes_are_compared_in_constant_time(
        self, number: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Once for each question, whoever is found: 32 bytes each, by `hmac.compare_digest`."""
        compared: list[tuple[int, int]] = []

        def compare(a: bytes, b: bytes) -> bool:
            compared.append((len(a), len(b)))
            return hmac_compare(a, b)

        hmac_compare = hmac.compare_digest
        monkeypatch.setattr(hmac, "compare_digest", compare)
        tokens(entry(1), entry(2, expires=NOW)).lookup(token(number), NOW)

        assert [(32, 32)] == compared

    def test_hashes_are_compared_in_no_other_way(self) -> None:
        """`==`, `in` and the like stand nowhere in the look-up."""
        tree = ast.parse(textwrap.dedent(inspect.getsource(TokenSet.lookup)))
        operators = {type(op) for n in ast.walk(tree) if isinstance(n, ast.Compare) for op in n.ops}

        assert {ast.Is} == operators

    def test_nobody_has_no_token(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not even whoever found the token whose hash stands for nobody."""
        monkeypatch.setattr(module, "digest_of", lambda token: bytes(32))

        assert tokens(entry(1)).lookup(token(2), NOW) is None


class TestSets:
    def test_an_id_that_is_gone_is_not_valid(self) -> None:
        """Revoking takes one token away, and leaves the others."""
        kept = tokens(entry(1), entry(2)).without(entry(1).id)

        assert kept.still_valid(entry(1).id, NOW) is None
        assert entry(2).principal == kept.still_valid(entry(2).id, NOW)
        assert kept.lookup(token(1), NOW) is None
        assert (None, entry(2)) == (kept.get(entry(1).id), kept.get(entry(2).id))

    def test_valid_are_those_that_count(self) -> None:
        """Expired ones are not among them; the next expiry is the soonest to come."""
        kept = tokens(
            entry(1), entry(2, expires=NOW), entry(3, expires=LATER),
            entry(4, expires=LATER + timedelta(days=1)),
        )  # fmt: skip

        assert {e.id: e.known for e in (kept.entries[0], *kept.entries[2:])} == kept.valid(NOW)
        assert LATER == kept.next_expiry(NOW)
        assert tokens(entry(1), entry(2, expires=NOW)).next_expiry(NOW) is None

    def test_one_id_twice_is_refused(self) -> None:
        """Ids name one token."""
        with pytest.raises(ValueError, match="expected each token once"):
            tokens(entry(1)).with_one_more(entry(1))

    def test_too_many_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """There is a limit."""
        assert TOKENS_MAX == 10_000
        monkeypatch.setattr(module, "TOKENS_MAX", 2)
        with pytest.raises(ValueError, match="expected at most 2 tokens, found 3"):
            tokens(entry(1), entry(2), entry(3))


class TestFaults:
    @pytest.mark.parametrize("name", ["ada", "Ada Lovelace", "é", "x" * 128, "a@b.example"])
    def test_names_are_printable(self, name: str) -> None:
        """Anything that can be shown, up to a length."""
        assert principal_fault(name) is None

    @pytest.mark.parametrize(
        "name", ["", "x" * 129, "é" * 65, "a\nb", "\x1b[31m", "\u202e", "\ud800"]
    )
    def test_other_names_are_refused(self, name: str) -> None:
        """Empty, long, or what commands a terminal."""
        assert "expected 1 to 128 bytes of printable characters" in str(principal_fault(name))

    def test_prefixes_are_what_scopes_begin_with(self) -> None:
        """As long as a scope's name, without NUL; the empty one stands for all."""
        assert SCOPE_BYTES_MAX == PREFIX_BYTES_MAX
        assert [] == [p for p in ("", "lot/", "\x1b", "é" * 256) if prefix_fault(p)]
        for prefix in ("a\0", "é" * 257, "\udcff"):
            assert "expected 0 to 512 bytes of UTF-8 without NUL" in str(prefix_fault(prefix))

    def test_notes_are_short(self) -> None:
        """One line."""
        assert note_fault("for the shop's own use") is None
        assert note_fault("a\nb") is not None
        assert note_fault("x" * 513) is not None

    def test_no_fault_shows_a_token(self) -> None:
        """Not even where one stands in the place of a name."""
        assert token(1)[4:] not in str(principal_fault("\n" + token(1)))


@given(SECRETS, st.text(), st.integers(1, 47))
def test_redacted_texts_hold_no_token(secret: bytes, around: str, length: int) -> None:
    """Whole, in part, or in another case: what follows the prefix is gone."""
    part = make_token(secret)[4 : 4 + length]
    assert "as1_…\n" == redacted(f"as1_{part}\n")
    assert "AS1_" not in redacted(f"{around} AS1_{part}")
    assert redacted(f"as1_{part}x") == redacted(redacted(f"as1_{part}x"))


def test_times_have_a_zone() -> None:
    """A look-up at a time without one is an error, not a wrong answer."""
    with pytest.raises(TypeError):
        tokens(entry(1, expires=LATER)).lookup(token(1), datetime(2026, 1, 1))
    assert NOW.tzinfo is UTC
