"""Whether a principal may make a request, and whether the request says what it must."""

from __future__ import annotations

from typing import TypeAlias

from ...errors import shown
from .client_messages import (
    EndRound,
    Propose,
    Query,
    Request,
    Scopes,
    Stats,
    StoreInfo,
    Subscribe,
    ValidateFor,
    Verify,
)
from .codes import ErrorCode
from .rights import Principal, Right

Fault: TypeAlias = tuple[ErrorCode, str]

SEQUENCE_MAX = 2**53 - 1
"""The largest integer that every JavaScript program reads right."""


def fault_in(principal: Principal, request: Request) -> Fault | None:
    """
    Look whether a request says what it must, and whether its sender may make it.

    A proposal's rights are `fault_in_proposal`'s, once its scope is known.
    """
    return _shape_fault(request) or _right_fault(principal, request)


def fault_in_proposal(principal: Principal, request: Propose, scope: str) -> Fault | None:
    """Look whether a principal may propose in a scope, and decide there if it says so."""
    fault = _missing(principal, Right.PROPOSE, scope)
    if fault is None and request.decide == "self":
        fault = _missing(principal, Right.DECIDE, scope)
    return fault


def covered(request: Query | Subscribe) -> str:
    """The prefix of all scopes that a request is about."""
    return request.scope or request.prefix or ""


def _shape_fault(request: Request) -> Fault | None:
    match request:
        case Query() | Subscribe():
            ways = (request.scope is not None) + (request.prefix is not None) + request.all
            if ways != 1:
                what = f"expected exactly one of `scope`, `prefix` and `all`, found {ways}"
                return ErrorCode.BAD_MESSAGE, what
            return _numbers_fault(request)
        case Propose() | ValidateFor() | Scopes() | Stats():
            return _numbers_fault(request)
        case _:
            return None


_LEAST = {
    "known": 0, "rounds": 1, "after": 0, "before": 0, "after_sequence": 0, "before_sequence": 0,
    "limit": 1, "every_s": 0.1, "validation_timeout_s": 0.001,
}  # fmt: skip
"""The members that are numbers, and the least that each may be."""


def _numbers_fault(request: Request) -> Fault | None:
    for name, least in _LEAST.items():
        value = getattr(request, name, None)
        if value is None or isinstance(value, str):
            continue
        if not least <= value <= SEQUENCE_MAX:
            what = f"{name}: expected a number from {least} to 2^53 - 1, found {shown(value)}"
            return ErrorCode.BAD_MESSAGE, what
    return None


def _right_fault(principal: Principal, request: Request) -> Fault | None:
    match request:
        case Query() | Subscribe():
            return _missing(principal, Right.READ, covered(request))
        case Scopes():
            return _missing(principal, Right.READ, request.prefix)
        case ValidateFor():
            return _missing(principal, Right.VALIDATE, request.prefix)
        case EndRound():
            return _missing(principal, Right.OPERATE, request.scope)
        case Stats() | StoreInfo() | Verify():
            return _missing(principal, Right.OPERATE, "")
        case Propose():
            return None


def _missing(principal: Principal, right: Right, scope: str) -> Fault | None:
    if principal.may(right, scope):
        return None
    where = f"for {shown(scope)}" if scope else "for all scopes"
    return ErrorCode.FORBIDDEN, f"expected the right to {right} {where}, which you do not have"
