"""The language of predicates: a small part of Python's expressions, checked against a list of
what is allowed. Nothing is ever run as code."""

from __future__ import annotations

import ast
import difflib
import warnings
from typing import Final

from dse.space.language.domains import DEFAULTS, DOMAINS
from dse.space.language.priors import Value, is_finite, shown

MAX_LENGTH: Final = 200
MAX_DEPTH: Final = 20
STAGE_LISTS: Final = ("depths", "dims", "kernel_sizes", "expansion_ratio", "group_width")
FUNCTIONS: Final = ("sum", "min", "max", "len")
ARITHMETIC: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
ORDER: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
WORDS: Final[dict[str, Value]] = {"true": True, "false": False, "null": None}
"""As YAML writes them."""

Kinds = frozenset[str]
"""Of number, text, boolean and null."""
_NUMBER, _BOOLEAN = frozenset({"number"}), frozenset({"boolean"})


def parse(text: str) -> ast.expr:
    """Read an expression, without any check but of its length and its grammar.

    Raises:
        ValueError: it is too long or none at all.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"must have {MAX_LENGTH} characters at most, not {len(text)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what looks odd to Python
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError(
            f"{shown(text)} is not an expression such as 'depths[1] < depths[2]'"
        ) from None


def names(tree: ast.expr) -> frozenset[str]:
    """The parameters that an expression speaks of."""
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in DEFAULTS)


def kinds(node: ast.expr, depth: int = MAX_DEPTH) -> Kinds:
    """What an expression, nested so deep at most, may give.

    Raises:
        ValueError: it is not allowed.
    """
    if depth == 0:
        raise ValueError(f"may be nested {MAX_DEPTH} deep at most")
    match node:
        case ast.Name(id=name) if name not in WORDS:
            return _kinds_of(name, staged=False)
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int(stage))):
            if isinstance(stage, bool) or stage < 1:
                raise ValueError(f"{ast.unparse(node)!r}: stages have numbers from 1, as depths[1]")
            return _kinds_of(name, staged=True)
        case ast.Call(func=ast.Name(id=function), args=[ast.Name(id=name)], keywords=[]) if (
            function in FUNCTIONS
        ):
            _kinds_of(name, staged=True)
            return _NUMBER
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _need(operand, "boolean", depth)
            return _BOOLEAN
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            _need(operand, "number", depth)
            return _NUMBER
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, ARITHMETIC):
            _need(left, "number", depth)
            _need(right, "number", depth)
            return _NUMBER
        case ast.BoolOp(values=operands):
            for operand in operands:
                _need(operand, "boolean", depth)
            return _BOOLEAN
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            _check_comparisons([left, *comparators], ops, depth)
            return _BOOLEAN
        case ast.Constant() | ast.Name():
            return _kind(constant(node))
    raise ValueError(
        f"{ast.unparse(node)!r} is not allowed; there are parameters, stages such as depths[1], "
        "sum, min, max and len of a parameter's stages, comparisons, and, or, not, + - * / // %"
    )


def _kinds_of(name: str, *, staged: bool) -> Kinds:
    if name not in DEFAULTS:
        near = difflib.get_close_matches(name, DEFAULTS, n=1, cutoff=0.0)
        raise ValueError(f"there is no parameter {name!r}; did you mean {near[0]!r}?")
    if name in STAGE_LISTS and not staged:
        raise ValueError(f"{name} has a value for each stage; take {name}[1] or sum({name})")
    if staged and name not in STAGE_LISTS:
        raise ValueError(f"{name} has one value for the whole network, not one for each stage")
    return DOMAINS[name].kinds


def _need(node: ast.expr, kind: str, depth: int) -> None:
    if kind not in kinds(node, depth - 1):
        raise ValueError(f"{ast.unparse(node)!r} is {_NOT[kind]}")


_NOT = {"number": "no number", "boolean": "neither true nor false"}


def _check_comparisons(operands: list[ast.expr], ops: list[ast.cmpop], depth: int) -> None:
    found = [_kinds_of_operand(operand, depth) for operand in operands]
    for k, op in enumerate(ops):
        (left, right), (a, b) = operands[k : k + 2], found[k : k + 2]
        if isinstance(op, ast.Is | ast.IsNot):
            raise ValueError("compare with == and != instead of is and is not")
        if isinstance(right, ast.List) is not isinstance(op, ast.In | ast.NotIn):
            raise ValueError(f"{ast.unparse(right)!r}: a list goes with in, as in grn in [true]")
        if isinstance(op, ORDER):
            for node, possible in ((left, a), (right, b)):
                if "number" not in possible:
                    raise ValueError(f"{ast.unparse(node)!r} is {_NOT['number']}")
        others = right.elts if isinstance(right, ast.List) else [right]
        for other in others:
            if not a & (b if other is right else kinds(other)):
                raise ValueError(f"{ast.unparse(left)!r} is never {ast.unparse(other)!r}")
            _check_possible(left, other)
            _check_possible(other, left)


def _kinds_of_operand(node: ast.expr, depth: int) -> Kinds:
    if isinstance(node, ast.List):
        return frozenset().union(*(_kind(constant(item)) for item in node.elts))
    return kinds(node, depth - 1)


def _check_possible(node: ast.expr, other: ast.expr) -> None:
    """Refuse to compare a parameter with a text that it cannot be."""
    if isinstance(node, ast.Name) and isinstance(other, ast.Constant):
        domain = DOMAINS.get(node.id)
        if domain is not None and isinstance(other.value, str) and not domain.allows(other.value):
            raise ValueError(f"{node.id} may be {domain.what}, never {shown(other.value)}")


def constant(node: ast.expr) -> Value:
    """The value of a number, a text, true, false or null.

    Raises:
        ValueError: the expression is none of these.
    """
    match node:
        case ast.Name(id=name) if name in WORDS:
            return WORDS[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(v) | float(v))):
            return -v
        case ast.Constant(value=None | bool() | int() | float() | str() as value):
            if isinstance(value, int | float) and not (is_finite(value) and abs(value) < 1e15):
                raise ValueError("numbers must be below 1e15")
            return value
    raise ValueError(f"{ast.unparse(node)!r} is no number, text, true, false or null")


def _kind(value: Value) -> Kinds:
    if value is None:
        return frozenset({"null"})
    if isinstance(value, bool):
        return _BOOLEAN
    return frozenset({"text"}) if isinstance(value, str) else _NUMBER
