"""From an annotation to its shape."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum, Flag
from typing import (
    Annotated,
    Any,
    Final,
    ForwardRef,
    Literal,
    NewType,
    TypeVar,
    Union,
    final,
    get_args,
    get_origin,
)

import attrs

from ..jsonvalue import step
from .classes import (
    Member,
    finish_class,
    is_attrs_class,
    own_codec,
    resolved_fields,
    unfinished_class,
)
from .containers import dict_of, list_of, set_of, tuple_of, tuple_with
from .event_type import EventType
from .leaves import ANYTHING, LEAVES, choice
from .shape import Shape
from .unions import union_of

_LISTS: Final = frozenset({list, MutableSequence})
_TUPLES: Final = frozenset({tuple, Sequence})
_FROZENSETS: Final = frozenset({frozenset, AbstractSet})
_DICTS: Final = frozenset({dict, Mapping, MutableMapping})

_SUPPORTED: Final = (
    "an attrs class, a class with its own codec (EventType(cls, encode=…, decode=…)), "
    "an Enum, a Literal, a union, list, tuple, set, frozenset, dict, "
    "None, bool, int, float, str, bytes, Decimal, UUID, datetime, date, time, timedelta or Any"
)


def is_union(annotation: object) -> bool:
    """Whether this is ``A | B`` or ``Union[A, B]``."""
    return isinstance(annotation, types.UnionType) or get_origin(annotation) is Union


def unwrapped(annotation: Any) -> Any:
    """Take off what says nothing about values: Annotated, Final, NewType, ``type X = …``."""
    while True:
        if get_origin(annotation) in (Annotated, Final):
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":  # new in Python 3.12
            annotation = annotation.__value__
        else:
            return annotation


@final
@attrs.define(eq=False)
class Shapes:
    """Makes the shapes of the annotations of one store."""

    _event_types: Mapping[Any, EventType[Any]]
    """By class: what to call it, and its own codec if it has one."""
    _classes: dict[Any, Shape] = attrs.field(factory=dict, init=False)

    def shape_of(self, annotation: Any, where: str) -> Shape:
        """
        Give the shape of an annotation.

        Args:
          annotation: what follows a member's colon.
          where: its path, for error messages.

        Raises:
          TypeError: it cannot be stored, or not be told what it means.
        """
        annotation = unwrapped(annotation)
        if isinstance(annotation, TypeVar | str | ForwardRef):
            raise TypeError(
                f"{where}: expected a type, found the name {annotation!s}, which nothing binds"
            )
        if is_union(annotation):
            return self._union(annotation, where)
        origin = get_origin(annotation) or annotation
        if origin is Literal:
            return self._literal(annotation, where)
        if isinstance(origin, type):
            special = self._special_class(annotation, origin, where)
            if special is not None:
                return special
        container = self._container(annotation, origin, where)
        if container is not None:
            return container
        # Compared by identity, because annotations need not be hashable.
        leaf = next((shape for kind, shape in LEAVES.items() if kind is annotation), None)
        if leaf is None:
            raise TypeError(f"{where}: expected {_SUPPORTED}; found {annotation!r}{_hint(origin)}")
        return leaf

    def _special_class(self, annotation: Any, origin: type, where: str) -> Shape | None:
        event_type = self._event_types.get(origin)
        if event_type is not None and event_type.encode is not None:
            return self._own_codec(event_type)
        if is_attrs_class(origin):
            return self._class(annotation, origin, where)
        if issubclass(origin, Enum):
            return self._enum(origin, where)
        return None

    def _container(self, annotation: Any, origin: Any, where: str) -> Shape | None:
        arguments = get_args(annotation)
        if get_origin(annotation) is tuple and arguments[1:] != (...,):
            return tuple_with(
                tuple(
                    self.shape_of(argument, where + step(n)) for n, argument in enumerate(arguments)
                )
            )
        if origin in _DICTS:
            key, item = arguments or (str, Any)
            key_shape = self.shape_of(key, f"{where}.keys()")
            return dict_of(key_shape, self.shape_of(item, f"{where}[]"), where)
        maker = _maker(origin, where)
        if maker is None:
            return None
        return maker(self.shape_of(arguments[0] if arguments else Any, f"{where}[]"))

    def _union(self, annotation: Any, where: str) -> Shape:
        members = [unwrapped(argument) for argument in get_args(annotation)]
        flat: list[Any] = []
        for member in members:
            flat.extend(get_args(member) if is_union(member) else [member])
        if any(member is Any or member is object for member in flat):
            return ANYTHING
        return union_of(tuple(self.shape_of(member, where) for member in flat), where)

    def _literal(self, annotation: Any, where: str) -> Shape:
        values = get_args(annotation)
        name = f"one of {', '.join(map(repr, values))}"
        options = [(value, value.value if isinstance(value, Enum) else value) for value in values]
        return choice(name, options, where)

    def _enum(self, cls: type[Enum], where: str) -> Shape:
        if issubclass(cls, Flag):
            raise TypeError(
                f"{where}: expected an Enum whose members are all its values, found the Flag "
                f"{cls.__qualname__}; use a frozenset of an Enum"
            )
        return choice(cls.__qualname__, [(member, member.value) for member in cls], where)

    def _own_codec(self, event_type: EventType[Any]) -> Shape:
        assert event_type.encode is not None
        assert event_type.decode is not None
        cls = event_type.cls
        if cls not in self._classes:
            self._classes[cls] = own_codec(
                cls, event_type.stored_name, event_type.encode, event_type.decode, event_type.frozen
            )
        return self._classes[cls]

    def _class(self, annotation: Any, origin: type, where: str) -> Shape:
        if annotation in self._classes:
            return self._classes[annotation]
        event_type = self._event_types.get(origin)
        name = origin.__name__ if event_type is None else event_type.stored_name
        # Entered before its members are known, because they may be of the same class.
        shape = self._classes[annotation] = unfinished_class(annotation, name)
        try:
            self._finish(shape, annotation, origin, where)
        except BaseException:
            del self._classes[annotation]
            raise
        return shape

    def _finish(self, shape: Shape, annotation: Any, origin: type, where: str) -> None:
        parameters = getattr(origin, "__parameters__", ())
        bound = dict(zip(parameters, get_args(annotation), strict=False))
        members: list[Member] = []
        for field in resolved_fields(origin, where):
            at = f"{where}.{field.name}"
            if field.type is None:
                raise TypeError(f"{at}: expected an annotation, found none")
            annotated = _substituted(field.type, bound)
            if field.init:
                members.append((field, self.shape_of(annotated, at)))
                continue
            # What the constructor does not take is not stored, so it may be of any type.
            # It counts only for whether objects can be shared.
            try:
                shape.parts += (self.shape_of(annotated, at),)
            except TypeError:
                shape.is_immutable = False
        finish_class(shape, annotation, members)


def _maker(origin: Any, where: str) -> Callable[[Shape], Shape] | None:
    if not isinstance(origin, type):
        return None
    if origin in _LISTS:
        return list_of
    if origin in _TUPLES:
        return tuple_of
    if origin in _FROZENSETS:
        return lambda item: set_of(frozenset, item, where)
    if origin is set:
        return lambda item: set_of(set, item, where)
    return None


def _substituted(annotation: Any, bound: Mapping[Any, Any]) -> Any:
    """Put the arguments of a generic class in place of its type variables."""
    if isinstance(annotation, TypeVar):
        return bound.get(annotation, annotation)
    parameters = getattr(annotation, "__parameters__", ())
    if isinstance(annotation, type) or not parameters:
        return annotation
    return annotation[tuple(bound.get(parameter, parameter) for parameter in parameters)]


def _hint(origin: Any) -> str:
    if isinstance(origin, type) and attrs.has(origin):
        return ", which inherits from an attrs class: decorate it, too, with @attrs.frozen"
    if hasattr(origin, "__dataclass_fields__"):
        return ", a dataclass: use @attrs.frozen instead of @dataclass"
    return ""
