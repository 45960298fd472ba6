"""The question before something that cannot be taken back."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from inspector.screens.confirm import ConfirmScreen
from inspector.screens.scopes import ScopesScreen
from inspector_desks import HOSTILE_NAMES, ToldSource, control_characters, on_screen


@pytest.mark.parametrize(
    ("keys", "answer"),
    [(["y"], True), (["n"], False), (["escape"], False), (["enter"], False), (["q"], False),
     (["left", "enter"], True), (["l", "l", "enter"], False), (["tab", "space", "enter"], True)],
)  # fmt: skip
def test_answers(keys: list[str], answer: bool) -> None:
    """Only who says so does it: enter alone does not."""
    answers: list[bool | None] = []

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        question = ConfirmScreen("Do it?", ["It is done."], yes="Do it", no="Leave it")
        await pilot.app.push_screen(question, answers.append)
        await pilot.press(*keys)
        assert [answer] == answers

    on_screen(ToldSource(), ScopesScreen, use)


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1)])
def test_hostile_questions(size: tuple[int, int]) -> None:
    """What a question is about is shown, and does nothing; it can be answered on any size."""
    answers: list[bool | None] = []

    async def use(pilot: Pilot[None], screen: ScopesScreen) -> None:
        for name in HOSTILE_NAMES:
            question = ConfirmScreen(name, [name, name], yes=name[:20], no=name[:20])
            await pilot.app.push_screen(question, answers.append)
            await pilot.pause()
            assert set() == control_characters(pilot)
            await pilot.press("y")
        assert [True] * len(HOSTILE_NAMES) == answers

    on_screen(ToldSource(), ScopesScreen, use, size=size)
