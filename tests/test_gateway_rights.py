"""Rights: who may do what, on which scopes."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_store.gateway.protocol.rights import LOCAL, Principal, Right, local


@given(st.sampled_from(Right), st.lists(st.text(), max_size=3), st.text())
def test_a_right_covers_what_begins_with_a_prefix(
    right: Right, prefixes: list[str], scope: str
) -> None:
    """A right covers exactly the scopes that begin with one of its prefixes, and no other right."""
    principal = Principal("alice", {right: tuple(prefixes)})

    assert any(scope[: len(prefix)] == prefix for prefix in prefixes) == principal.may(right, scope)
    assert not any(principal.may(other, scope) for other in Right if other is not right)


def test_prefixes_are_plain_strings() -> None:
    """A prefix without a separator covers more than one may think."""
    principal = Principal("alice", {Right.READ: ("lot/1",)})

    assert principal.may(Right.READ, "lot/1")
    assert principal.may(Right.READ, "lot/17")
    assert not principal.may(Right.READ, "lot/")
    assert not principal.may(Right.READ, "Lot/1")
    assert not principal.may(Right.READ, "")


def test_a_prefix_is_covered_as_a_scope_is() -> None:
    """Whoever may read all that begins with `lot/` may ask for what begins with `lot/4`."""
    principal = Principal("alice", {Right.READ: ("lot/",)})

    assert principal.may(Right.READ, "lot/4")
    assert not principal.may(Right.READ, "lo")
    assert Principal("bob", {Right.READ: ("",)}).may(Right.READ, "")


def test_rights_cannot_be_changed() -> None:
    """Neither the mapping, nor the principal, nor what was handed in is a way to more rights."""
    given_rights = {Right.READ: ("a/",)}
    principal = Principal("alice", given_rights)

    given_rights[Right.OPERATE] = ("",)

    assert not principal.may(Right.OPERATE, "a/")
    with pytest.raises(TypeError):
        principal.rights[Right.OPERATE] = ("",)  # type: ignore[index]  # that is the point
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        principal.name = "root"  # type: ignore[misc]  # that is the point


def test_rights_are_shown_by_name() -> None:
    """The wire has each right that covers something, with its prefixes."""
    principal = Principal(
        "alice", {Right.READ: ("",), Right.DECIDE: (), Right.PROPOSE: ("a/", "b/")}
    )

    assert {"read": [""], "propose": ["a/", "b/"]} == principal.shown()


def test_rights_are_known_by_their_names() -> None:
    """A right may be given as the text that it is on the wire; another text is refused."""
    assert Principal("alice", {"read": ("",)}).may(Right.READ, "x")  # type: ignore[dict-item]  # that is the point
    with pytest.raises(ValueError, match=r"'write' is not a valid Right"):
        Principal("alice", {"write": ("",)})  # type: ignore[dict-item]  # that is the point


def test_without_tokens_everybody_may_all() -> None:
    """`local` has every right, on every scope."""
    principal = local(has_function=False)

    assert LOCAL == principal.name
    assert [*Right] == [right for right in Right if principal.may(right, "any scope")]


def test_where_a_function_decides_clients_do_not() -> None:
    """With a validate function `local` neither decides nor validates."""
    principal = local(has_function=True)

    assert [Right.READ, Right.PROPOSE, Right.OPERATE] == [
        right for right in Right if principal.may(right, "")
    ]
