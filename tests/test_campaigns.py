"""The list of campaigns: what can be asked of it."""

from __future__ import annotations

import pytest

from campaigns.__main__ import CAMPAIGNS, main


def test_an_unknown_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is none is refused, with those that are."""
    with pytest.raises(SystemExit) as refused:
        main(["simulations"])

    assert 2 == refused.value.code
    assert f"expected {', '.join(CAMPAIGNS)}, found simulations" in capsys.readouterr().err
