"""The shapes of attrs classes, and of classes that bring their own codec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn_from_attrs

from .plain import PlainClass
from .shape import Dump, Load, Mismatch, Shape, mismatch, reraise_at

Member: TypeAlias = tuple["attrs.Attribute[Any]", Shape]


@attrs.frozen
class _Frozen:
    pass


@attrs.frozen(slots=False)
class _FrozenWithDict:
    pass


# attrs gives all its frozen classes one of two methods; there is no public way to ask that
# works with all versions.
_FROZEN_SETATTR: Final = (_Frozen.__setattr__, _FrozenWithDict.__setattr__)

_OBJECT: Final = frozenset({dict})


def _converter() -> Converter:
    # cattrs writes the functions that structure classes. For the members it finds our
    # shapes in place of their annotations, so that none of its own, lenient hooks is used.
    converter = Converter()
    converter.register_structure_hook_factory(
        lambda shape: type(shape) is Shape, lambda shape: shape.load
    )
    return converter


_CONVERTER: Final = _converter()


def is_attrs_class(cls: object) -> bool:
    """Whether this class itself was made by attrs: not only a class that it inherits from."""
    return isinstance(cls, type) and "__attrs_attrs__" in cls.__dict__


def unfinished_class(cls: Any, tag: str) -> Shape:
    """
    Shape an attrs class before its members are known, for classes that hold themselves.

    `finish_class` makes it usable.
    """
    origin = get_origin(cls) or cls
    shape: Shape
    shape = Shape(
        tag,
        # Those that are made before it is finished look the methods up when they use them.
        lambda value: shape.dump(value),
        lambda value, kind: shape.load(value, kind),
        frozenset({origin}),
        _OBJECT,
        is_immutable=origin.__setattr__ in _FROZEN_SETATTR,
        tag=tag,
    )
    return shape


def resolved_fields(cls: type, where: str) -> Sequence[attrs.Attribute[Any]]:
    """
    Give the fields of an attrs class with their annotations, none of them as text.

    Raises:
      TypeError: a name in an annotation cannot be found.
    """
    try:
        attrs.resolve_types(cls)
    except Exception as error:  # annotations are any code
        raise TypeError(
            f"{where}: expected annotations that can be resolved, found {error}; define "
            f"{cls.__qualname__}, and what its annotations name, at the top of a module and "
            f"import the names outside of `if TYPE_CHECKING:`"
        ) from error
    return tuple(attrs.fields(cls))


def finish_class(shape: Shape, cls: Any, members: Sequence[Member]) -> None:
    """
    Make the shape of an attrs class usable.

    Args:
      shape: what `unfinished_class` gave.
      cls: the class, or a generic one with its arguments.
      members: the fields that its constructor takes, with their shapes.
    """
    shape.parts += tuple(part for _, part in members)
    shape.dump = _class_dump(get_origin(cls) or cls, shape.name, members)
    shape.load = _class_load(cls, shape.name, members)
    shape.plain = PlainClass.of(
        get_origin(cls) or cls, [(field, member.scalars) for field, member in members]
    )


def _class_dump(cls: type, name: str, members: Sequence[Member]) -> Dump:
    dumps = [(field.name, field.alias or field.name, shape.dump) for field, shape in members]

    def dump(value: Any) -> dict[str, Any]:
        if type(value) is not cls:
            raise mismatch(name, value)
        data: dict[str, Any] = {}
        field = ""
        try:
            for field, key, dump_member in dumps:
                data[key] = dump_member(getattr(value, field))
        except Exception as error:
            reraise_at(error, field)
        return data

    return dump


def _class_load(cls: Any, name: str, members: Sequence[Member]) -> Load:
    origin = get_origin(cls) or cls
    structure: Load = make_dict_structure_fn_from_attrs(
        [field.evolve(type=shape) for field, shape in members],
        origin,
        _CONVERTER,
        # No member's annotation is left that could name them, but cattrs asks for them.
        {parameter.__name__: Any for parameter in getattr(origin, "__parameters__", ())},
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=True,
        _cattrs_use_alias=True,
    )

    def load(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise mismatch(name, value)
        return structure(value, origin)

    return load


def own_codec(
    cls: type,
    tag: str,
    encode: Callable[[Any], Any],
    decode: Callable[[Any], Any],
    is_immutable: bool,
) -> Shape:
    """Shape a class by the two functions that came with it."""

    def dump(value: Any) -> Any:
        if type(value) is not cls:
            raise mismatch(tag, value)
        try:
            return encode(value)
        except Exception as error:
            raise Mismatch(f"its own codec could not encode it: {_named(error)}") from error

    def load(value: Any, _: Any) -> Any:
        try:
            result = decode(value)
        except Exception as error:
            raise Mismatch(f"its own codec could not decode it: {_named(error)}") from error
        if type(result) is not cls:
            raise mismatch(f"{tag} from its own codec", result)
        return result

    return Shape(
        tag,
        dump,
        load,
        frozenset({cls}),
        frozenset(),
        is_immutable=is_immutable,
        tag=tag,
        is_own_codec=True,
    )


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
