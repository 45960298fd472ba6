"""The shapes of lists, tuples, sets and dicts, made of the shapes of what they hold."""

from __future__ import annotations

from typing import Any

from .shape import SCALAR_TYPES, Shape, mismatch, reraise_at

_LIST = frozenset({list})


def list_of(item: Shape) -> Shape:
    """Shape lists whose items all have the same shape: JSON arrays."""
    return _sequence(list, f"list[{item.name}]", item)


def tuple_of(item: Shape) -> Shape:
    """Shape tuples of any length whose items all have the same shape: JSON arrays."""
    return _sequence(tuple, f"tuple[{item.name}, ...]", item)


def _sequence(kind: type[list[Any]] | type[tuple[Any, ...]], name: str, item: Shape) -> Shape:
    dump_item, load_item = item.dump, item.load

    def dump(value: Any) -> list[Any]:
        if type(value) is not kind:
            raise mismatch(name, value)
        items: list[Any] = []
        try:
            for one in value:
                # The length of the list names the item at fault.
                items.append(dump_item(one))  # noqa: PERF401  # see above
        except Exception as error:
            reraise_at(error, len(items))
        return items

    def load(value: Any, _: Any) -> Any:
        if type(value) is not list:
            raise mismatch(name, value)
        items: list[Any] = []
        try:
            for one in value:
                # The length of the list names the item at fault.
                items.append(load_item(one, None))  # noqa: PERF401  # see above
        except Exception as error:
            reraise_at(error, len(items))
        return items if kind is list else tuple(items)

    return Shape(
        name, dump, load, frozenset({kind}), _LIST, is_immutable=kind is tuple, parts=(item,)
    )


def tuple_with(items: tuple[Shape, ...]) -> Shape:
    """Shape tuples of a fixed length, each item with its own shape: JSON arrays."""
    name = f"tuple[{', '.join(item.name for item in items) or '()'}]"
    expected = f"{name} ({len(items)} items)"

    def dump(value: Any) -> list[Any]:
        if type(value) is not tuple or len(value) != len(items):
            raise mismatch(expected, value)
        dumped: list[Any] = []
        try:
            for item, one in zip(items, value, strict=True):
                dumped.append(item.dump(one))
        except Exception as error:
            reraise_at(error, len(dumped))
        return dumped

    def load(value: Any, _: Any) -> tuple[Any, ...]:
        if type(value) is not list or len(value) != len(items):
            raise mismatch(expected, value)
        loaded: list[Any] = []
        try:
            for item, one in zip(items, value, strict=True):
                loaded.append(item.load(one, None))
        except Exception as error:
            reraise_at(error, len(loaded))
        return tuple(loaded)

    return Shape(name, dump, load, frozenset({tuple}), _LIST, parts=items)


def set_of(kind: type[set[Any]] | type[frozenset[Any]], item: Shape, where: str) -> Shape:
    """
    Shape sets, as sorted JSON arrays, so that equal sets are equal texts.

    Raises:
      TypeError: its items are no JSON scalars, so that nothing says how to sort them.
    """
    name = f"{kind.__name__}[{item.name}]"
    if not item.json_types <= SCALAR_TYPES or item.is_own_codec:
        raise TypeError(
            f"{where}: expected a set of numbers, strings or the like, found {name}; "
            f"use a tuple or a list"
        )

    def dump(value: Any) -> list[Any]:
        if type(value) is not kind:
            raise mismatch(name, value)
        # No path leads to an item of a set: the message names it.
        items = [item.dump(one) for one in value]
        return sorted(items, key=_by_type_and_value)

    def load(value: Any, _: Any) -> Any:
        if type(value) is not list:
            raise mismatch(name, value)
        items: list[Any] = []
        try:
            for one in value:
                # The length of the list names the item at fault.
                items.append(item.load(one, None))  # noqa: PERF401  # see above
        except Exception as error:
            reraise_at(error, len(items))
        result = kind(items)
        if len(result) < len(items):
            raise mismatch(f"{name}, each item once", value)
        return result

    return Shape(
        name, dump, load, frozenset({kind}), _LIST, is_immutable=kind is frozenset, parts=(item,)
    )


def _by_type_and_value(scalar: Any) -> tuple[str, Any]:
    return type(scalar).__name__, scalar


def dict_of(key: Shape, item: Shape, where: str) -> Shape:
    """
    Shape dicts: JSON objects.

    Raises:
      TypeError: its keys would not be strings in JSON.
    """
    name = f"dict[{key.name}, {item.name}]"
    if key.json_types != {str} or key.is_own_codec:
        raise TypeError(f"{where}: expected keys that are strings in JSON, found {name}")

    def dump(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise mismatch(name, value)
        items: dict[str, Any] = {}
        at: Any = None
        try:
            for at, one in value.items():
                items[key.dump(at)] = item.dump(one)
        except Exception as error:
            reraise_at(error, at if type(at) is str else repr(at))
        if len(items) < len(value):
            # Times with a fold can be two keys in Python and one moment in UTC.
            raise mismatch(f"{name}, each key once in JSON", value)
        return items

    def load(value: Any, _: Any) -> dict[Any, Any]:
        if type(value) is not dict:
            raise mismatch(name, value)
        items: dict[Any, Any] = {}
        at = ""
        try:
            for at, one in value.items():
                items[key.load(at, None)] = item.load(one, None)
        except Exception as error:
            reraise_at(error, at)
        if len(items) < len(value):
            raise mismatch(f"{name}, each key once", value)
        return items

    return Shape(
        name,
        dump,
        load,
        frozenset({dict}),
        frozenset({dict}),
        is_immutable=False,
        parts=(key, item),
    )
