"""When the inspector has garbage looked for."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from inspector import garbage


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()


def test_while_importing() -> None:
    """Never within the block; behind it as before, also if an import fails."""
    with garbage.while_importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ModuleNotFoundError):
        with garbage.while_importing():
            raise ModuleNotFoundError
    assert gc.isenabled()
    gc.disable()
    with garbage.while_importing():
        pass
    assert not gc.isenabled()


def test_seldom() -> None:
    """What there is by now is not gone through any more."""
    frozen, thresholds = gc.get_freeze_count(), gc.get_threshold()
    garbage.seldom()

    assert gc.get_freeze_count() > frozen + 1_000
    assert gc.get_threshold() > thresholds
