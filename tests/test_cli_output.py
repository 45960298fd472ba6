"""How commands end, what is safe to show, and the progress bar."""

from __future__ import annotations

import io
import json

import pytest

from atomic_store import JournalCorrupt, JournalFailed, StoreClosed
from atomic_store.cli.ending import ended
from atomic_store.cli.output import OutputClosed, printable, safe_json, shortened
from atomic_store.cli.progress import Progress, bar


class TestEnding:
    """Exit codes for failures."""

    @pytest.mark.parametrize(
        ("error", "code", "complaint"),
        [
            (KeyboardInterrupt(), 130, ""),
            (BaseExceptionGroup("", [KeyboardInterrupt(), StoreClosed("x")]), 130, ""),
            (ExceptionGroup("", [ExceptionGroup("", [OutputClosed()])]), 141, ""),
            (
                ExceptionGroup("", [JournalFailed("fdatasync", "/s", "reopen it")] * 2),
                2,
                "atomic-store: fdatasync failed on /s: reopen it\n",
            ),
            (
                JournalCorrupt("/s", 7, "a", "b", 2),
                1,
                (
                    "atomic-store: /s is damaged at offset 7, line 2: expected a, found b\n"
                    "atomic-store: `atomic-store verify` finds all damage. "
                    "`atomic-store repair` makes a new store of what can be believed.\n"
                ),
            ),
            (
                PermissionError(13, "Permission denied", "/s"),
                2,
                "atomic-store: /s: Permission denied\n",
            ),
            (OSError("odd"), 2, "atomic-store: odd\n"),
        ],
    )
    def test_expected_errors_are_told_in_a_line(
        self, error: BaseException, code: int, complaint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Also from inside groups of errors, as nurseries raise them."""

        def fail() -> int:
            raise error

        assert code == ended(fail)
        assert complaint == capsys.readouterr().err

    @pytest.mark.parametrize(
        "error", [KeyError("bug"), ExceptionGroup("", [StoreClosed("x"), KeyError("bug")])]
    )
    def test_what_nobody_expects_is_raised(self, error: Exception) -> None:
        """A bug is not dressed up as an error of the user's."""

        def fail() -> int:
            raise error

        with pytest.raises(type(error)) as caught:
            ended(fail)
        assert error is caught.value


class TestOutput:
    """What is safe to show."""

    def test_people_see_numbers_for_what_is_not_printable(self) -> None:
        """Controls, bidi marks, line separators and lone surrogates."""
        shown = printable("a\x1b\n\x9b\u202e\u2028\ud800\U000e0041é☃")

        assert "a\\x1b\\n\\x9b\\u202e\\u2028\\ud800\\U000e0041é☃" == shown

    def test_json_keeps_its_meaning(self) -> None:
        """Escapes, also of two units, stand for the same characters."""
        value = "a\x7f\x9b\u202e\u2028\U000e0041é☃"
        shown = safe_json(json.dumps(value, ensure_ascii=False))

        assert value == json.loads(shown)
        assert shown.isprintable()

    def test_long_values_are_cut_and_say_so(self) -> None:
        """200 characters are shown, of more only the first ones."""
        assert "x" * 200 == shortened("x" * 200)
        assert "x" * 200 + "… (1,201 characters)" == shortened("x" * 1_201)


class TestProgress:
    """The bar on stderr."""

    def test_appears_after_a_second_and_goes_away(self) -> None:
        """Nothing before, at most ten redraws a second, and a clean line at the end."""
        stream, now = io.StringIO(), 0.0
        progress = Progress("verifying", stream, clock=lambda: now)
        for now in (0.5, 0.99, 1.01, 1.05, 1.2):  # the clock reads it
            progress(int(now * 100), 200)
        progress.clear()

        drawn = ["", bar("verifying", 101, 200), bar("verifying", 120, 200), "\x1b[K"]
        assert drawn == stream.getvalue().split("\r")

    def test_what_is_fast_shows_nothing(self) -> None:
        """No bar, hence none to take away."""
        stream = io.StringIO()
        progress = Progress("verifying", stream, clock=lambda: 0.0)
        progress(1, 2)
        progress.clear()

        assert "" == stream.getvalue()

    @pytest.mark.parametrize(
        ("done", "total", "share"),
        [(0, 0, "100%"), (0, 9, "  0%"), (9, 9, "100%"), (10, 9, "100%")],
    )
    def test_shares_are_shares(self, done: int, total: int, share: str) -> None:
        """From none to all; all of nothing is all, and more than all is all."""
        assert bar("x", done, total).endswith(share)
