"""Queries, scopes and figures over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import atomic_store.gateway.asking as asking
from atomic_store import JsonEvent, open_store
from atomic_store.gateway import Limits
from gateway_records import admit
from gateway_talk import House, Talk, house


def answer(talk: Talk) -> tuple[list[int], dict[str, Any]]:
    """The positions of the records of a query's page, and how it ended."""
    *pages, done = talk.hear_all()
    return [one["position"] for page in pages for one in page["records"]], done


async def filled(here: House) -> Talk:
    """Ten records in two scopes, and somebody who asks."""
    for n in range(1, 11):
        await admit(here, n, scope=f"lot/{n % 2}")
    ada = await here.connect()
    ada.hear()
    return ada


class TestQueries:
    @pytest.mark.parametrize(
        ("members", "expected", "following"),
        [
            ({"all": True}, [*range(1, 11)], None),
            ({"scope": "lot/1"}, [1, 3, 5, 7, 9], None),
            ({"scope": "lot/9"}, [], None),
            ({"prefix": "lot/"}, [*range(1, 11)], None),
            ({"prefix": "bid/"}, [], None),
            ({"all": True, "after": 4, "before": 7}, [5, 6], None),
            ({"all": True, "after": 7, "before": 4}, [], None),
            ({"all": True, "limit": 3}, [1, 2, 3], 3),
            ({"all": True, "after": 3, "limit": 3}, [4, 5, 6], 6),
            ({"all": True, "order": "desc", "limit": 3}, [10, 9, 8], 8),
            ({"all": True, "order": "desc", "before": 8, "limit": 3}, [7, 6, 5], 5),
            ({"all": True, "where": "data.cents in (2, 9)"}, [2, 9], None),
            ({"scope": "lot/1", "after_sequence": 2}, [5, 7, 9], None),
            ({"scope": "lot/1", "before_sequence": 3}, [1, 3], None),
            ({"scope": "lot/1", "after_sequence": 1, "before_sequence": 4}, [3, 5], None),
            ({"scope": "lot/1", "after_sequence": 4, "before_sequence": 2}, [], None),
            ({"scope": "lot/1", "after_sequence": 9}, [], None),
            ({"scope": "lot/1", "after_sequence": 1, "order": "desc", "limit": 2}, [9, 7], 4),
            ({"scope": "lot/0", "after_sequence": 1, "where": "data.cents > 5"}, [6, 8, 10], None),
            ({"all": True, "at": "2000-01-01"}, [*range(1, 11)], None),
            ({"all": True, "at": "2000-01-01", "order": "desc"}, [], None),
            ({"all": True, "at": "2999-01-01"}, [], None),
        ],
    )
    async def test_what_is_found(
        self, members: dict[str, Any], expected: list[int], following: int | None
    ) -> None:
        """A page holds what was asked for, in that order, and says where it goes on."""
        async with house() as here:
            ada = await filled(here)
            id_ = await ada.ask("query", **members)
            found, done = answer(ada)

            assert expected == found
            assert ("done", id_, following) == (done["type"], done["id"], done["next"])

    @pytest.mark.parametrize("order", ["asc", "desc"])
    @pytest.mark.parametrize(("scope", "by"), [(None, ""), ("lot/1", ""), ("lot/1", "_sequence")])
    async def test_page_by_page(self, order: str, scope: str | None, by: str) -> None:
        """Going on with `next` gives everything, once; by positions, or by sequences."""
        async with house(limits=Limits(page_records=2)) as here:
            ada = await filled(here)
            which: dict[str, Any] = {"all": True} if scope is None else {"scope": scope}
            found: list[int] = []
            name = ("after" if order == "asc" else "before") + by
            bound = {name: 0 if order == "asc" else 99} if by else {}
            while True:
                await ada.ask("query", order=order, limit=99, **which, **bound)
                page, done = answer(ada)
                assert len(page) <= 2
                found += page
                if done["next"] is None:
                    break
                bound = {name: done["next"]}
            expected = [n for n in range(1, 11) if scope is None or n % 2]

            assert (expected if order == "asc" else expected[::-1]) == found

    async def test_looking_at_much(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A page ends after so many records that were looked at, also where it is empty."""
        monkeypatch.setattr(asking, "SCANNED_MAX", 1)
        async with house() as here:
            ada = await filled(here)
            after, pages = 0, 0
            while True:
                await ada.ask("query", all=True, after=after, where="data.cents = 10", limit=1)
                found, done = answer(ada)
                pages += 1
                if found or done["next"] is None:
                    break
                assert done["next"] > after
                after = done["next"]

            assert [10] == found

    @pytest.mark.parametrize(
        ("members", "code"),
        [
            ({"all": True, "where": "cents >"}, "bad_filter"),
            ({"all": True, "at": "yesterday-ish"}, "bad_message"),
            ({"all": True, "after_sequence": 1}, "bad_message"),
            ({"scope": ""}, "invalid_event"),
        ],
    )
    async def test_what_cannot_be_asked(
        self, members: dict[str, Any], code: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Each has its code, and is no fault of the gateway's: nothing is logged."""
        async with house() as here:
            ada = await here.connect()
            ada.hear()
            await ada.ask("query", **members)
            ada.heard("error", id=1, code=code)

        assert [] == [record.getMessage() for record in caplog.records if record.levelno > 20]

    async def test_large_answers(self) -> None:
        """An answer comes in as many messages as its size needs, at the client's pace."""
        async with house(limits=Limits(message_bytes=5_000, outbox_bytes=6_000)) as here:
            ada = await here.connect()
            for n in range(20):
                await admit(here, n, pad=1_000)
            ada.hear()
            ada.gate.fill()
            await ada.ask("query", all=True)
            assert ada.connection.session.is_open(1)
            ada.gate.empty()
            await wait_all_tasks_blocked()
            news = ada.hear_all()

            assert [*range(1, 21)] == [
                record["position"] for one in news for record in one.get("records", ())
            ]
            assert len(news) > 5


class TestOperators:
    async def test_figures(self, mock_clock: MockClock) -> None:
        """Figures once, or every so often until unsubscribed."""
        async with house() as here:
            ada = await filled(here)
            await ada.ask("stats")
            figures = ada.heard("stats")["figures"]
            assert (10, 10, 1) == (figures["position"], figures["accepted"], figures["connections"])
            ada.heard("done")
            id_ = await ada.ask("stats", every_s=2)
            ada.heard("stats", id=id_)
            mock_clock.jump(2.1)
            await wait_all_tasks_blocked()
            ada.heard("stats", id=id_)
            await ada.say(type="unsubscribe", id=id_)
            ada.heard("done", id=id_)

    async def test_a_store_without_files(self) -> None:
        """It says what it can, and has nothing to verify."""
        async with house() as here:
            ada = await filled(here)
            await ada.ask("store")
            head = here.store.head
            ada.heard("store", store=here.store.history, position=10, commit=head.commit)
            ada.heard("done")
            await ada.ask("verify")
            ada.heard("error", code="not_found")


async def test_a_store_in_files(tmp_path: Path) -> None:
    """An operator sees its segments, and has it verified, with its head and its damage."""
    async with house() as here, open_store(tmp_path / "a.store", events=None) as store:
        await store.store_if_valid(JsonEvent("A", 1), lambda r: r.accept(), scope="lot/1")
        here.gateway._services.operating.store = store
        here.gateway._services.store = store
        ada = await here.connect()
        ada.hear()
        await ada.ask("store")
        await ada.ask("verify")
        with trio.fail_after(20):
            # A thread reads files meanwhile.
            while "verified" not in [one["type"] for one in ada.gate.heard]:  # noqa: ASYNC110
                await trio.sleep(0.01)
        await wait_all_tasks_blocked()
        news = {one["type"]: one for one in ada.hear_all()}

        assert 1 == news["store"]["figures"]["files"]["scopes"]
        assert (1, store.head.commit, []) == (
            news["verified"]["records"], news["verified"]["commit"], news["verified"]["damage"],
        )  # fmt: skip
