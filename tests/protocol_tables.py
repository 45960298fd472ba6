"""The reference tables of docs/protocol.md, out of the schemas of the messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from atomic_store.gateway.protocol.asyncapi import ANSWERS
from atomic_store.gateway.protocol.schema import CLIENT, GATEWAY, name_of
from atomic_store.gateway.protocol.server_messages import TERMINAL

Document = Mapping[str, Any]
"""The AsyncAPI document: it holds all that a table needs."""


def messages(document: Document, side: str) -> str:
    """A heading, a sentence and a table for each message of a side."""
    schemas = document["components"]["schemas"]
    parts = [
        f"### `{schema['title']}`\n\n{schema['description']}{_answered(name)}\n{_members(schema)}"
        for name, schema in schemas.items()
        if name.startswith(f"{side}.")
    ]
    return "\n".join(sorted(parts))


def values(document: Document) -> str:
    """The same for what lies in messages."""
    schemas = document["components"]["schemas"]
    return "\n".join(
        f"### `{name}`\n\n{schema['description']}\n{_members(schema)}"
        for name, schema in sorted(schemas.items())
        if "." not in name and "properties" in schema
    )


def error_codes(document: Document) -> str:
    """A line for each error code."""
    lines = [
        f"| `{code}` | {said['description']} | {_yes(said['retry'])} "
        f"| {'open' if said['outcomeOpen'] else 'not stored'} |"
        for code, said in document["x-error-codes"].items()
    ]
    return "\n".join(["| `code` | means | `retry` | a proposal is |", "|---|---|---|---|", *lines])


def close_codes(document: Document) -> str:
    """A line for each close code."""
    lines = [
        f"| {code} | {said['description']} | {_yes(said['reconnect'])} |"
        for code, said in document["x-close-codes"].items()
    ]
    return "\n".join(["| code | means | connect again |", "|---|---|---|", *lines])


TABLES: dict[str, Callable[[Document], str]] = {
    "client": lambda document: messages(document, CLIENT),
    "gateway": lambda document: messages(document, GATEWAY),
    "values": values,
    "errors": error_codes,
    "closes": close_codes,
}
"""Each table by what stands in the comment before it."""


def with_tables(page: str, document: Document) -> str:
    """A page with its tables made anew: each between `<!-- made: NAME -->` and `<!-- end -->`."""

    def made(found: re.Match[str]) -> str:
        return f"{found[1]}\n\n{TABLES[found[2]](document).rstrip()}\n\n<!-- end -->"

    return re.sub(r"(<!-- made: (\w+) -->).*?<!-- end -->", made, page, flags=re.DOTALL)


def _answered(name: str) -> str:
    answers = {name_of(CLIENT, kind): answers for kind, answers in ANSWERS.items()}.get(name, ())
    names = {True: list[str](), False: list[str]()}
    for answer in answers:
        names[answer in TERMINAL].append(f"`{answer.__struct_config__.tag}`")
    if not answers:
        return ""
    if not names[True]:
        return f" Answered by {' or '.join(names[False])}."
    before = f"{', '.join(names[False])}, in the end by " if names[False] else ""
    return f" Answered by {before}{' or '.join(names[True])}."


def _members(schema: Mapping[str, Any]) -> str:
    lines = [
        f"| `{name}` | {_shape(member)}{_optional(name, member, schema)} "
        f"| {' '.join(member.get('description', '').split())} |"
        for name, member in schema["properties"].items()
        if "const" not in member
    ]
    if not lines:
        return ""
    return "\n".join(["", "| member | is | |", "|---|---|---|", *lines, ""])


def _optional(name: str, member: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if name in schema["required"]:
        return ""
    if member.get("default") is None:
        return ", optional"
    return f", default `{json.dumps(member['default'])}`"


def _shape(member: Mapping[str, Any]) -> str:
    """What JSON value a member is, in words."""
    if "allOf" in member:
        return _shape(member["allOf"][0])
    if "anyOf" in member:
        return " or ".join(_shape(one) for one in member["anyOf"] if one.get("type") != "null")
    if "$ref" in member:
        name = member["$ref"].rpartition("/")[2]
        return f"[{name}](#{'error-codes' if name == 'ErrorCode' else name.lower()})"
    if "enum" in member:
        return " or ".join(f"`{json.dumps(value)}`" for value in sorted(member["enum"]))
    if member.get("type") == "array":
        return f"array of {_many(_shape(member['items']))}"
    if "additionalProperties" in member:
        return f"object of {_many(_shape(member['additionalProperties']))}"
    if "minimum" in member:
        return f"{member['type']} from {member['minimum']}"
    if "exclusiveMinimum" in member:
        return f"{member['type']} above {member['exclusiveMinimum']}"
    return str(member.get("type", "any JSON value"))


def _many(shape: str) -> str:
    """Several of a shape: strings, arrays of strings."""
    word, of, rest = shape.partition(" of ")
    return shape if word.startswith("[") else f"{word}s{of}{rest}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
