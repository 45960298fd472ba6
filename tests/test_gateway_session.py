"""One conversation: what a text means, given all texts before it. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from atomic_store.gateway.protocol import server_messages as say
from atomic_store.gateway.protocol.client_messages import ALL, REQUESTS, Subscribe
from atomic_store.gateway.protocol.codes import CloseCode, ErrorCode
from atomic_store.gateway.protocol.rights import Principal, Right, local
from atomic_store.gateway.protocol.session import (
    HELLO_BYTES_MAX,
    Close,
    Greet,
    Phase,
    Reply,
    Session,
    Start,
    Steer,
)

ADA = Principal("ada", dict.fromkeys(Right, ("",)))


def session(principal: Principal | None = ADA, *, is_open: bool = True) -> Session:
    """A session of somebody; past its hello."""
    made = Session(lambda token: principal, 1000, 3)
    if is_open:
        assert isinstance(told(made, type="hello"), Greet)
    return made


def told(to: Session, **message: Any) -> Any:
    """What comes of a message."""
    return to.receive(json.dumps(message))


def never(*_: object) -> None:
    """What must not be called."""
    raise AssertionError("it was read")


def error(action: Any) -> tuple[str, int | None, bool]:
    """The code, id and finality of an error that is to be said."""
    assert isinstance(action, Reply), action
    assert isinstance(action.message, say.Error)
    return str(action.message.code), action.message.id, action.message.final


def code(action: Any) -> int:
    """By which code it closes."""
    assert isinstance(action, Close), action
    return int(action.code)


class TestHello:
    def test_greeting(self) -> None:
        """The principal of the token is greeted, once."""
        asked: list[str | None] = []

        def authenticate(token: str | None) -> Principal:
            asked.append(token)
            return ADA

        made = Session(authenticate, 1000, 3)
        assert Greet(ADA, "shop/1") == told(made, type="hello", token="t", client="shop/1")
        assert ["t"] == asked
        assert ("bad_message", None, True) == error(told(made, type="hello"))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('{"type":"query","id":1,"all":true}', 4401),
            ('{"type":"nonsense"}', 4401),
            ('{"type":"ping"}', 4401),
            ("[]", 4400),
            ("hello", 4400),
            (b"{}", 4400),
        ],
    )
    def test_something_else_first(self, text: str | bytes, expected: int) -> None:
        """Anything but a hello closes the connection, and nothing is heard after that."""
        made = session(is_open=False)

        assert expected == code(made.receive(text))
        assert made.receive('{"type":"hello"}') is None

    def test_unknown_token(self) -> None:
        """Who is not known is turned away."""
        assert 4401 == code(told(session(None, is_open=False), type="hello", token="x"))


class TestIds:
    def test_rising(self) -> None:
        """Ids rise; gaps are fine."""
        made = session()
        for id_ in (1, 2, 9, 2**53 - 1):
            action = told(made, type="subscribe", id=id_, all=True)
            made.end(id_)
            assert isinstance(action, Start)

    @pytest.mark.parametrize("id_", [5, 4, 0, -1, 2**53])
    def test_not_rising(self, id_: int) -> None:
        """An id that does not closes the connection."""
        made = session()
        told(made, type="subscribe", id=5, all=True)

        assert 4409 == code(told(made, type="query", id=id_, all=True))
        assert made.phase is Phase.CLOSED

    def test_a_refused_request_has_had_its_id(self) -> None:
        """It ended with its error, and its id is used up."""
        made = session()
        assert ("bad_message", 7, True) == error(told(made, type="query", id=7, limit="x"))
        assert ("unknown_type", 8, True) == error(told(made, type="nonsense", id=8))
        assert 0 == made.open
        assert 4409 == code(told(made, type="query", id=8, all=True))

    def test_without_one(self) -> None:
        """A request without an id is answered without one."""
        assert ("bad_message", None, True) == error(told(session(), type="query", all=True))
        assert ("bad_message", None, True) == error(told(session(), type="query", id="1"))

    def test_a_bad_request_with_an_old_id(self) -> None:
        """It closes, as a good one would."""
        made = session()
        told(made, type="subscribe", id=5, all=True)
        made.end(5)
        assert 4409 == code(told(made, type="query", id=5, limit="x"))


class TestOpenRequests:
    def test_too_many(self) -> None:
        """One more than may be open is refused, until one has ended."""
        made = session()
        for id_ in (1, 2, 3):
            assert isinstance(told(made, type="subscribe", id=id_, all=True), Start)
        assert ("too_many", 4, True) == error(told(made, type="subscribe", id=4, all=True))
        made.end(2)

        assert isinstance(told(made, type="subscribe", id=5, all=True), Start)
        assert (False, True) == (made.is_open(2), made.is_open(5))

    def test_closing_tells_what_was_open(self) -> None:
        """The requests that were open, in the order in which they were made; then nothing."""
        made = session()
        for id_ in (1, 2):
            told(made, type="subscribe", id=id_, all=True)
        assert [1, 2] == [request.id for request in made.close()]
        assert told(made, type="query", id=3, all=True) is None


class TestSteering:
    def test_what_may_be_said_of_what(self) -> None:
        """Each message is about some kinds of requests; of others, and ended ones, it is stale."""
        event = {"type": "Bid", "data": 1}
        steerings: dict[str, dict[str, Any]] = {
            "decide": {"round": "r-1", "accept": True}, "withdraw": {},
            "need": {"round": "r-1", "known": 0}, "unsubscribe": {},
        }  # fmt: skip
        requests: dict[str, dict[str, Any]] = {
            "propose": {"scope": "a", "event": event}, "validate_for": {"prefix": ""},
            "subscribe": {"all": True}, "query": {"all": True}, "scopes": {"watch": True},
            "stats": {"every_s": 1}, "verify": {},
        }  # fmt: skip
        taken = set()
        for name, members in requests.items():
            for steering, more in steerings.items():
                made = session()
                assert isinstance(told(made, type=name, id=1, **members), Start)
                action = told(made, type=steering, id=1, **more)
                if isinstance(action, Steer):
                    taken.add((name, steering))
                else:
                    assert ("stale_round", 1, False) == error(action)
                    assert made.is_open(1)
                made.end(1)
                assert ("stale_round", 1, False) == error(told(made, type=steering, id=1, **more))

        assert {
            ("propose", "decide"), ("propose", "withdraw"), ("propose", "need"),
            ("validate_for", "decide"), ("validate_for", "need"), ("validate_for", "unsubscribe"),
            ("subscribe", "unsubscribe"), ("scopes", "unsubscribe"), ("stats", "unsubscribe"),
        } == taken  # fmt: skip

    @pytest.mark.parametrize("request_", [{"type": "scopes"}, {"type": "stats"}])
    def test_what_ends_by_itself(self, request_: dict[str, str]) -> None:
        """Asked for once, scopes and figures cannot be unsubscribed from."""
        made = session()
        told(made, id=1, **request_)
        assert ("stale_round", 1, False) == error(told(made, type="unsubscribe", id=1))

    def test_a_malformed_one_ends_nothing(self) -> None:
        """A decision that cannot be read leaves its request open."""
        made = session()
        told(made, type="propose", id=1, scope="a", event={"type": "B", "data": 1})
        for text in (
            '{"type":"decide","id":1}',
            '{"type":"decide","id":1,"round":"r","meta":1e999}',
        ):
            assert error(made.receive(text))[1:] == (1, False)
        assert made.is_open(1)


class TestRights:
    @pytest.mark.parametrize(
        ("request_", "right"),
        [
            ({"type": "query", "scope": "lot/1"}, "read"),
            ({"type": "query", "prefix": "lot/"}, "read"),
            ({"type": "subscribe", "scope": "lot/1"}, "read"),
            ({"type": "subscribe", "prefix": "lot/1"}, "read"),
            ({"type": "scopes", "prefix": "lot/"}, "read"),
            ({"type": "validate_for", "prefix": "lot/"}, "validate"),
            ({"type": "end_round", "scope": "lot/1", "round": "r-1"}, "operate"),
        ],
    )
    def test_by_prefix(self, request_: dict[str, str], right: str) -> None:
        """A request needs its right on all scopes that it is about."""
        for prefix, may in (("lot/", True), ("", True), ("lot/1/", False), ("bid/", False)):
            made = session(Principal("ada", {Right(right): (prefix,)}))
            action = told(made, id=1, **request_)
            assert may == isinstance(action, Start), (prefix, action)
        others = Principal("ada", {one: ("",) for one in Right if one != right})
        assert ("forbidden", 1, True) == error(told(session(others), id=1, **request_))

    @pytest.mark.parametrize("type_", ["stats", "store", "verify"])
    def test_of_the_whole_store(self, type_: str) -> None:
        """Operators of a part may not see the whole."""
        made = session(Principal("ada", {Right.OPERATE: ("lot/",)}))
        assert ("forbidden", 1, True) == error(told(made, type=type_, id=1))

    def test_all(self) -> None:
        """All scopes need the right on all."""
        made = session(Principal("ada", {Right.READ: ("lot/",)}))
        assert ("forbidden", 1, True) == error(told(made, type="query", id=1, all=True))

    def test_without_tokens(self) -> None:
        """Everybody may everything; but what the gateway's function decides, nobody else does."""
        assert set(Right) == set(local(has_function=False).rights)
        assert {Right.READ, Right.PROPOSE, Right.OPERATE} == set(local(has_function=True).rights)

    def test_rights_that_change(self) -> None:
        """What counts is the right of now."""
        made = session()
        made.principal = Principal("ada", {})
        assert ("forbidden", 1, True) == error(told(made, type="query", id=1, all=True))


class TestShape:
    @pytest.mark.parametrize(
        "members",
        [
            {}, {"all": False}, {"all": True, "scope": "a"}, {"scope": "a", "prefix": "b"},
            {"all": True, "after": -1}, {"all": True, "after": 2**53}, {"all": True, "limit": 0},
            {"scope": "a", "after_sequence": -1},
        ],
    )  # fmt: skip
    def test_queries(self, members: dict[str, Any]) -> None:
        """A query says in exactly one way what it is about, and its numbers are some."""
        assert ("bad_message", 1, True) == error(told(session(), type="query", id=1, **members))

    def test_others(self) -> None:
        """So do the numbers of other requests."""
        requests: list[dict[str, Any]] = [
            {"type": "validate_for", "prefix": "", "rounds": 0},
            {"type": "stats", "every_s": 0},
            {"type": "subscribe", "all": True, "after": -1},
        ]
        for request in requests:
            assert ("bad_message", 1, True) == error(told(session(), id=1, **request))

    def test_after_the_end(self) -> None:
        """`"end"` is no number, and fine."""
        action = told(session(), type="subscribe", id=1, all=True, after="end")
        assert isinstance(action, Start)
        assert isinstance(action.request, Subscribe)
        assert action.request.after == "end"


class TestTexts:
    def test_ping(self) -> None:
        """A ping is answered by a pong, a pong by nothing; unknown members are ignored."""
        made = session()
        assert Reply(say.Pong()) == told(made, type="ping", padding="x")
        assert told(made, type="pong") is None

    def test_size(self) -> None:
        """What is longer than the limit, in bytes, is refused, and its request has ended."""
        made = session()
        bare = len(json.dumps({"type": "query", "id": 1, "all": True, "x": ""}))
        fits = told(made, type="query", id=1, all=True, x="x" * (1000 - bare))
        assert isinstance(fits, Start)
        longer = told(made, type="query", id=2, all=True, x="x" * (1001 - bare))
        assert ("too_large", 2, True) == error(longer)
        wide = json.dumps(
            {"type": "query", "id": 3, "all": True, "x": "é" * 600}, ensure_ascii=False
        )
        assert len(wide) < 1000
        assert ("too_large", 3, True) == error(made.receive(wide))

    @pytest.mark.parametrize(
        ("text", "id_"),
        [
            ('{"type":"query","id":2,"all":true,"x":"%s"}' % ("x" * 1000), 2),
            ('{"type":"query","id":2,"all":true,"x":[%s0]}' % ("[]," * 500), 2),
            ('{"type":"query","id":2,"x":["\\ud800",%s0]}' % ("[]," * 500), None),
            ('{"type":"query","id":2,"x":%s}' % ("[" * 1000), None),
            ("x" * 1001, None),
        ],
    )
    def test_too_large_to_be_looked_at(
        self, text: str, id_: int | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is too large is refused without reading it, which would take its time."""
        made = session()
        monkeypatch.setattr("atomic_store.gateway.protocol.session.parse_client", never)
        assert ("too_large", id_, True) == error(made.receive(text))
        assert made.phase is Phase.OPEN

    @pytest.mark.parametrize("text", ["x" * 4001, '{"type":"ping","x":"%s"}' % ("é" * 2000)])
    def test_far_too_large(self, text: str) -> None:
        """Above four times the limit, in bytes, the connection is closed."""
        made = session()
        assert CloseCode.TOO_LARGE == code(made.receive(text))
        assert made.phase is Phase.CLOSED

    def test_a_hello_that_is_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever has not said hello has little to say; more is not even read."""
        padded = '{"type":"hello","x":"%s"}'
        fits = padded % ("x" * (HELLO_BYTES_MAX - len(padded) + 2))
        assert isinstance(session(is_open=False).receive(fits), Greet)
        monkeypatch.setattr("atomic_store.gateway.protocol.session.parse_client", never)
        longer = session(is_open=False).receive(fits + " ")
        assert CloseCode.TOO_LARGE == code(longer)

    @pytest.mark.parametrize(
        "text", ['{"type":"hello","token":"%s"', '["%s"]', '"%s"', "%s", '{"token":"%s"} {}']
    )
    @pytest.mark.parametrize("is_open", [True, False])
    def test_no_token_comes_back(self, text: str, is_open: bool) -> None:
        """Why a connection is closed does not show what was sent: there may be a token in it."""
        action: Any = session(is_open=is_open).receive(text % "as1_secret")
        assert CloseCode.BAD_FRAME == code(action)
        assert "secret" not in action.reason

    @pytest.mark.parametrize("text", ["", "x", "[]", '"a"', "1", "{", '{"type":"ping"}x', "NaN"])
    def test_no_object(self, text: str) -> None:
        """What is no JSON object closes the connection."""
        action = session().receive(text)
        assert CloseCode.BAD_FRAME == code(action)

    def test_unknown_type_about_an_open_request(self) -> None:
        """It may be a message of a later version: it ends nothing."""
        made = session()
        told(made, type="subscribe", id=1, all=True)
        assert (str(ErrorCode.UNKNOWN_TYPE), 1, False) == error(told(made, type="later", id=1))
        assert made.is_open(1)


def test_every_request_has_its_right() -> None:
    """No kind of request goes unchecked: without rights nothing starts but a proposal."""
    nobody = Principal("nobody", {})
    least: dict[str, dict[str, Any]] = {
        "propose": {"event": {"type": "a", "data": 1}}, "validate_for": {"prefix": ""},
        "query": {"all": True}, "subscribe": {"all": True}, "scopes": {}, "stats": {}, "store": {},
        "verify": {}, "end_round": {"scope": "a", "round": "r"},
    }  # fmt: skip
    assert {name for name, kind in ALL.items() if kind in REQUESTS} == set(least)
    for name, members in least.items():
        action = told(session(nobody), type=name, id=1, **members)
        assert isinstance(action, Start) == (name == "propose")
