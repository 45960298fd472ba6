"""The shape of unions: whose member a value is, is always plain from its type or its tag."""

from __future__ import annotations

from typing import Any, Final

from .plain import scalars_of
from .shape import Dump, Load, Shape, mismatch

TAG: Final = "$type"
"""The member that names the class of an object in a union. No Python name is like it."""

VALUE: Final = "value"
"""The member that holds what an own codec wrote, beside the tag."""


def union_of(members: tuple[Shape, ...], where: str) -> Shape:
    """
    Shape the values of several shapes.

    Members are told apart by the exact type of their JSON; if more than one is an object,
    these must be classes, and `TAG` names the class.

    Raises:
      TypeError: two members cannot be told apart.
    """
    name = " | ".join(member.name for member in members)
    tagged = _tagged(members, name, where)
    dumps: dict[type, Dump] = {}
    loads: dict[type, Load] = {}
    for member in members:
        dump = _dump_with_tag(member) if member in tagged.values() else member.dump
        _enter(dumps, member.classes, dump, name, where)
        if member not in tagged.values():
            _enter(loads, member.json_types, member.load, name, where)
    if tagged:
        _enter(loads, frozenset({dict}), _load_by_tag(tagged), name, where)
    json_types = frozenset(loads)
    classes = frozenset(dumps)
    # A float takes an int, too, unless the union has one.
    if float in dumps and int not in dumps and int not in loads:
        dumps[int], loads[int] = dumps[float], loads[float]

    def dump_member(value: Any) -> Any:
        dump = dumps.get(type(value))
        if dump is None:
            raise mismatch(name, value)
        return dump(value)

    def load_member(value: Any, _: Any) -> Any:
        load = loads.get(type(value))
        if load is None:
            raise mismatch(name, value)
        return load(value, None)

    scalars = scalars_of([member.scalars for member in members])
    return Shape(
        name, dump_member, load_member, classes, json_types, parts=members, scalars=scalars
    )


def _tagged(members: tuple[Shape, ...], name: str, where: str) -> dict[str, Shape]:
    """Give those members that need a tag, by it: own codecs, and classes beside others."""
    objects = [member for member in members if dict in member.json_types or member.is_own_codec]
    if len(objects) < 2 and not any(member.is_own_codec for member in objects):
        return {}
    tagged: dict[str, Shape] = {}
    for member in objects:
        if member.tag is None:
            raise TypeError(
                f"{where}: expected members that can be told apart, found {name}, where "
                f"{member.name} and another are both JSON objects"
            )
        if tagged.setdefault(member.tag, member) is not member:
            raise TypeError(
                f"{where}: expected classes with different names, found {member.tag!r} twice; "
                f"give one of them another name with EventType(…, name=…)"
            )
    return tagged


def _enter(
    table: dict[type, Any], types: frozenset[type], function: Dump | Load, name: str, where: str
) -> None:
    for kind in types:
        if kind in table:
            raise TypeError(
                f"{where}: expected members that can be told apart, found {name}, "
                f"of which two are a JSON {kind.__name__}"
            )
        table[kind] = function


def _dump_with_tag(member: Shape) -> Dump:
    def dump(value: Any) -> dict[str, Any]:
        if member.is_own_codec:
            return {TAG: member.tag, VALUE: member.dump(value)}
        return {TAG: member.tag, **member.dump(value)}

    return dump


def _load_by_tag(tagged: dict[str, Shape]) -> Load:
    expected = f"an object whose {TAG!r} is one of {', '.join(map(repr, tagged))}"

    def load(value: Any, _: Any) -> Any:
        tag = value.get(TAG)
        member = tagged.get(tag) if type(tag) is str else None
        if member is None:
            raise mismatch(expected, value)
        if member.is_own_codec:
            if value.keys() != {TAG, VALUE}:
                raise mismatch(f"an object with {TAG!r} and {VALUE!r} alone", value)
            return member.load(value[VALUE], None)
        return member.load({key: item for key, item in value.items() if key != TAG}, None)

    return load
