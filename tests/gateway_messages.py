"""Messages of the gateway's protocol for Hypothesis: any that a class can hold."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from atomic_store import jsonvalue
from atomic_store.gateway.protocol import client_messages, server_messages
from atomic_store.gateway.protocol.client_messages import ClientMessage
from atomic_store.gateway.protocol.server_messages import ServerMessage
from atomic_store.gateway.protocol.text import write

CLIENT_KINDS = [*client_messages.ALL.values()]
SERVER_KINDS = [*server_messages.KINDS]

INTEGERS = st.integers(-(2**70), 2**70)
FRACTIONS = st.floats(-1e9, 1e9).filter(lambda number: not number.is_integer())
"""Numbers with a fraction: JSON Schema takes 1.0 for an integer, and the gateway does not."""

JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | FRACTIONS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
"""Values that come back as they were from any reader of JSON."""


def said_by_clients() -> st.SearchStrategy[ClientMessage]:
    """Any message of a client."""
    return st.one_of([_instances(kind) for kind in CLIENT_KINDS])


def said_by_the_gateway() -> st.SearchStrategy[ServerMessage]:
    """Any message of the gateway."""
    return st.one_of([_instances(kind) for kind in SERVER_KINDS])


def plain(message: ClientMessage | ServerMessage) -> dict[str, Any]:
    """A message as Python's own reader of JSON understands it."""
    value: dict[str, Any] = json.loads(write(message))
    return value


@st.composite
def nearly_messages(draw: st.DrawFn) -> dict[str, Any]:
    """A message of a client with a member or two of another kind, missing, or unknown."""
    value = plain(draw(said_by_clients()))
    for _ in range(draw(st.integers(0, 2))):
        names = sorted({*value, *_members_of(value)} - {"type"}) or ["id"]
        name = draw(st.sampled_from(names) | st.text())
        if draw(st.booleans()) and name != "type":
            value.pop(name, None)
        elif name != "type":
            value[name] = draw(JSON)
    return value


def _members_of(value: dict[str, Any]) -> list[str]:
    kind = client_messages.ALL[value["type"]]
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _instances(kind: type[Any]) -> st.SearchStrategy[Any]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    needed = {field.name: _of(field.type) for field in info.fields if field.required}
    other = {field.name: _of(field.type) for field in info.fields if not field.required}
    return st.fixed_dictionaries(needed, optional=other).map(lambda members: kind(**members))


def _of(info: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of a type, as msgspec describes it."""
    match info:
        case inspect.Metadata(type=inner, extra_json_schema={"minimum": low, "maximum": high}):
            assert isinstance(inner, inspect.IntType)
            return st.integers(low, high)
        case inspect.IntType(ge=low, le=high):
            return INTEGERS if low is None else st.integers(low, high)
        case inspect.FloatType(gt=above):
            floats = st.floats(allow_nan=False, allow_infinity=False)
            return floats if above is None else floats.filter(lambda number: number > above)
        case inspect.UnionType(types=types):
            return st.one_of([_of(one) for one in types])
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.EnumType(cls=cls):
            return st.sampled_from(cls)
        case inspect.ListType(item_type=item):
            return st.lists(_of(item), max_size=3)
        case inspect.TupleType(item_types=items):
            return st.tuples(*[_of(item) for item in items])
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(_of(key), _of(value), max_size=3)
        case inspect.StructType(cls=cls):
            return _instances(cls)
        case inspect.RawType():
            return JSON.map(lambda value: msgspec.Raw(jsonvalue.encode(value)))
        case _:
            return _SIMPLE[type(info)]


_SIMPLE: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
    inspect.AnyType: JSON,
    inspect.BoolType: st.booleans(),
    inspect.NoneType: st.none(),
    inspect.StrType: st.text(),
}
