"""
JSON Schema (2020-12) of every message, made from the classes that read and write them.

Nothing here runs while a gateway does: the text that it makes is shipped beside the
gateway as `static/atomic-store.v1.schema.json`, and `nox -s schemas` makes it anew. What a
member means is said once, by the docstring behind it in the source; therefore the sources
of the classes are handed in as text.

The schemas refuse what `text.parse_client` refuses, but for what is no matter of types: a
text that is no JSON, and an integer that is written as ``1.0``. They refuse ids that
are out of range, which end a connection.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from . import client_messages, server_messages
from .codes import SUBPROTOCOL

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema: TypeAlias = dict[str, Any]
Kinds: TypeAlias = Sequence[type[msgspec.Struct]]

CLIENT: Final = "client"
GATEWAY: Final = "gateway"

OPEN: Final = "Members that are not listed are ignored. A member with a default may be left out."


def json_schema(client_source: str, server_source: str) -> Schema:
    """
    The schema of all messages: one definition a message, and one for all of each side.

    Args:
      client_source: the source of `client_messages`.
      server_source: the source of `server_messages`.
    """
    known = definitions(client_source, server_source, "#/$defs/")
    sides = {
        "FromClient": _one_of("Anything that a client says.", names_of(CLIENT)),
        "FromGateway": _one_of("Anything that the gateway says.", names_of(GATEWAY)),
    }
    return {
        "$schema": DIALECT,
        "title": SUBPROTOCOL,
        "description": f"A text frame of this protocol, in either direction. {OPEN}",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in sides],
        "$defs": {**sides, **known},
    }


def definitions(client_source: str, server_source: str, refs: str) -> dict[str, Schema]:
    """
    The schema of each message, called ``client.hello``, and of each value in one.

    Args:
      refs: what a reference to another definition begins with.
    """
    docs = docstrings(client_source)
    client = _definitions(CLIENT, [*client_messages.ALL.values()], docs, refs)
    # The events that a client sends and those that it is shown are of one class.
    docs |= docstrings(server_source)
    gateway = _definitions(GATEWAY, server_messages.KINDS, docs, refs)
    return {**client, **gateway}


def name_of(side: str, kind: type[msgspec.Struct]) -> str:
    """What a message is called among the definitions: by its side and its `type`."""
    return f"{side}.{kind.__struct_config__.tag}"


def names_of(side: str) -> list[str]:
    """What all messages of a side are called."""
    kinds: Kinds = (
        [*client_messages.ALL.values()] if side == CLIENT else list(server_messages.KINDS)
    )
    return [name_of(side, kind) for kind in kinds]


def docstrings(source: str) -> dict[str, dict[str, str]]:
    """The docstrings behind the attributes of a module's classes, by class and attribute."""
    return {
        part.name: _docstrings_of(part)
        for part in ast.parse(source).body
        if isinstance(part, ast.ClassDef)
    }


def _docstrings_of(part: ast.ClassDef) -> dict[str, str]:
    found = {}
    for before, behind in zip(part.body, part.body[1:], strict=False):
        target = _target_of(before)
        if (
            target is not None
            and isinstance(behind, ast.Expr)
            and isinstance(behind.value, ast.Constant)
            and isinstance(behind.value.value, str)
        ):
            found[target] = inspect.cleandoc(behind.value.value)
    return found


def _target_of(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.AnnAssign):
        return ast.unparse(statement.target)
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0])
    return None


def _definitions(
    side: str, kinds: Kinds, docs: Mapping[str, Mapping[str, str]], refs: str
) -> dict[str, Schema]:
    # msgspec names definitions by their classes; messages are renamed, values are not.
    _, found = msgspec.json.schema_components(kinds, ref_template=refs + "{name}")
    names = {kind.__name__: name_of(side, kind) for kind in kinds}
    return {
        names.get(name, name): _described(schema, docs.get(name, {}))
        for name, schema in found.items()
    }


def _described(schema: Schema, docs: Mapping[str, str]) -> Schema:
    described = {"description": schema["description"].replace("\n\n", "\n")}
    rest = {key: value for key, value in schema.items() if key not in {"title", "description"}}
    if "properties" not in schema:
        return described | rest
    members = {name: _alike(member) for name, member in schema["properties"].items()}
    for attribute, text in docs.items():
        name = attribute.rstrip("_")  # `for` cannot be the name of an attribute
        members[name] = _told(members[name], text)
    if "enum" in members.get("type", {}):
        (tag,) = members["type"]["enum"]
        members["type"] = {"const": tag}
        described = {"title": tag, **described}
    return described | rest | {"properties": members}


def _alike(member: Schema) -> Schema:
    """A member's schema as all versions of msgspec, and readers of older dialects, have it."""
    if "anyOf" in member:
        null_last = sorted(member["anyOf"], key=lambda one: one.get("type") == "null")
        return member | {"anyOf": [_alike(one) for one in null_last]}
    if "prefixItems" in member:
        plain = {key: value for key, value in member.items() if key != "prefixItems"}
        return plain | {"items": member["prefixItems"][0]}
    return member


def _told(member: Schema, text: str) -> Schema:
    """A member's schema with what the member is; older dialects ignore words beside a reference."""
    if "$ref" in member:
        return {"description": text, "allOf": [member]}
    return {"description": text} | {k: v for k, v in member.items() if k != "description"}


def _one_of(description: str, names: Sequence[str]) -> Schema:
    return {
        "description": description,
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in names],
    }
