"""JSON as a tree that is unfolded node by node."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from atomic_store import parse_filter
from filters import NOW, documents, record
from inspector.model.filter_terms import path_text
from inspector.model.json_tree import CHILDREN_MAX, JsonTree, Kind, Node, label, path_of
from inspector.model.json_values import NotJson

DEEP = 10_000


def rebuilt(tree: JsonTree, node: Node) -> Any:
    """The value that a tree shows."""
    children = tree.children(node)
    if node.kind is Kind.OBJECT:
        return {child.step: rebuilt(tree, child) for child in children}
    if node.kind is Kind.ARRAY:
        return [rebuilt(tree, child) for child in children]
    return tree.value(node)


def all_nodes(tree: JsonTree, node: Node) -> list[Node]:
    """A node and all that can be unfolded from it."""
    return [node, *(inner for child in tree.children(node) for inner in all_nodes(tree, child))]


def at(tree: JsonTree, *steps: int) -> Node:
    """The node that one comes to by these children."""
    node = tree.root
    for step in steps:
        node = tree.children(node)[step]
    return node


@given(documents, st.sampled_from([None, 1]))
def test_the_tree_is_the_value(document: object, indent: int | None) -> None:
    """Unfolded all the way it is what the text says, with blanks or without."""
    tree = JsonTree(json.dumps(document, indent=indent).encode())

    assert document == rebuilt(tree, tree.root)


def test_what_nodes_say() -> None:
    """What they are called, what they are, and what is in them, in a line."""
    tree = JsonTree(rb'{"bids":[{"bidder":"ada","cents":5}],"[/x]\u001b":null,"e":{},"t":true}')
    said = [
        (label(node), node.kind.value, tree.preview(node, 30))
        for node in all_nodes(tree, tree.root)
    ]

    assert [
        ("", "object", "{bids=[{bidder=ada cents=5}]…}"),
        ("bids", "array", "[{bidder=ada cents=5}]"),
        ("0", "object", "{bidder=ada cents=5}"),
        ("bidder", "string", '"ada"'),
        ("cents", "number", "5"),
        ("[/x]␛", "null", "null"),
        ("e", "object", "{}"),
        ("t", "boolean", "true"),
    ] == said


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[1,]", b"{]", b"[}", b"]", b"nul", b"[1 2]", b"{} {}", b"\xff", b'"', b'{"a"}'],
)
def test_no_json_is_refused(data: bytes) -> None:
    """It is shown as a text then."""
    with pytest.raises(NotJson):
        JsonTree(data)


def test_a_key_may_be_there_twice() -> None:
    """Both are shown; a filter only sees the last one."""
    tree = JsonTree(b'{"a":1,"a":2}')
    first, second = tree.children(tree.root)

    assert [("a", 1), ("a", 2)] == [(n.step, tree.value(n)) for n in (first, second)]
    assert tree.term(first, "data") is None
    assert "data.a = 2" == tree.term(second, "data")


def test_paths_are_those_of_filters() -> None:
    """From the root to the node, odd keys in quotes."""
    tree = JsonTree(b'{"bids":[{"odd key":{"x":1}}]}')
    node = at(tree, 0, 0, 0, 0)

    assert ("bids", 0, "odd key", "x") == path_of(node)
    assert 'data.bids[0]["odd key"].x' == path_text("data", path_of(node))


@given(documents)
def test_a_value_can_be_filtered_by(document: object) -> None:
    """The term that is made of a node matches the record that it is in."""
    tree = JsonTree(json.dumps(document).encode())
    terms = [tree.term(node, "data") for node in all_nodes(tree, tree.root)]

    for term in terms:
        assert term is None or parse_filter(term, now=NOW).matches(record(document))
    if isinstance(document, int | float | str | None):
        assert terms[0] is not None


class TestLong:
    """Very many members or elements."""

    def test_they_are_in_ranges(self) -> None:
        """A long array is unfolded in two steps, and paths do not know of it."""
        tree = JsonTree(json.dumps(list(range(2_500))).encode())
        ranges = tree.children(tree.root)

        assert ["0 … 999", "1,000 … 1,999", "2,000 … 2,499"] == [label(node) for node in ranges]
        assert [1_000, 1_000, 500] == [len(tree.children(node)) for node in ranges]
        node = tree.children(ranges[2])[7]
        assert (2_007, 2_007) == (node.step, tree.value(node))
        assert (2_007,) == path_of(node)
        assert "2000 2001 …" == tree.preview(ranges[2], 11)

    def test_objects_too(self) -> None:
        """With their keys."""
        members = {f"k{number}": {"n": number} for number in range(CHILDREN_MAX + 1)}
        tree = JsonTree(json.dumps(members).encode())
        (one,) = tree.children(tree.children(tree.root)[1])

        assert ("k1000",) == path_of(one)
        assert {"n": 1_000} == rebuilt(tree, one)

    def test_as_many_as_fit_are_not(self) -> None:
        """A thousand are shown as they are."""
        tree = JsonTree(json.dumps([0] * CHILDREN_MAX).encode())

        assert {Kind.NUMBER} == {node.kind for node in tree.children(tree.root)}


class TestDeep:
    """Nesting that no recursion survives."""

    def test_it_unfolds_to_the_bottom(self) -> None:
        """Each level costs what is in it, not what is below."""
        tree = JsonTree(b'{"a":' * DEEP + b"7" + b"}" * DEEP)
        node = tree.root
        for _ in range(DEEP):
            (node,) = tree.children(node)

        assert 7 == tree.value(node)
        assert ("a",) * DEEP == path_of(node)
        assert tree.term(node, "data") is None, "no filter is so long"
        assert 40 == cell_len(tree.preview(tree.root, 40))

    def test_brackets_must_match(self) -> None:
        """That much is seen, also where nothing else can be checked."""
        for data in (b"[" * DEEP + b"}" * DEEP, b"[" * DEEP, b"[" * DEEP + b"]" * (DEEP + 1)):
            with pytest.raises(NotJson):
                JsonTree(data)

    def test_what_is_broken_down_there_is_shown(self) -> None:
        """It cannot be checked, so it must do no harm."""
        for broken in (b"1 2", b"x", b":", b'"', b'{"a"}', b"{1:2}", b"\xff"):
            data = b"[" * DEEP + broken + b"]" * DEEP
            try:
                tree = JsonTree(data)
            except NotJson:
                continue
            node = tree.root
            while children := tree.children(node):
                node = children[0]
                assert node.start < node.end <= len(data)
            tree.term(node, "data")
            tree.preview(node, 20)


@given(st.binary(max_size=40) | st.text('{}[]",:1 a\\', max_size=30).map(str.encode))
def test_no_bytes_break_it(data: bytes) -> None:
    """A text is a tree that can be unfolded and shown, or it is no JSON."""
    try:
        tree = JsonTree(data)
    except NotJson:
        return
    for node in all_nodes(tree, tree.root):
        assert cell_len(tree.preview(node, 12)) <= 12
        assert cell_len(label(node, 5)) <= 5
        tree.term(node, "meta")
