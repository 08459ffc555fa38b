"""What the networks of a space must fulfil: expressions over their values, for many at once."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator, model_validator

from dse.config import Config
from dse.space.language.expressions import ORDER, WORDS, constant, kinds, names, parse
from dse.space.language.priors import Value

Array = NDArray[Any]
Found = tuple[Array, Array]
"""A value for each of n networks, and for which of them there is one."""

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_OVER_STAGES: dict[str, Callable[[Array], Array]] = {
    "sum": lambda values: values.sum(axis=1),
    "min": lambda values: values.min(axis=1),
    "max": lambda values: values.max(axis=1),
}


class Predicate(Config):
    """One thing that every network must fulfil; an expression alone is short for `predicate`.

    It may speak of the fields of `Architecture`: choices for the whole network by name
    (`norm_layer`), those of a stage by its number from 1 (`depths[1]`), and sum, min, max and len
    of all stages (`sum(depths)`); of numbers, texts, true, false and null; with comparisons, chains
    of them and `in` a list; and, or, not; + - * / // %. Numbers are floating-point ones.

    A network for which the expression cannot be worked out, as it divides by zero or needs a number
    where there is none, does not fulfil it; what `and` and `or` need not look at is left alone.

    Attributes:
        predicate: the expression, such as "depths[3] >= max(depths) and norm_layer != 'rms_norm'".
        description: why.
    """

    predicate: str
    description: str = ""

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, data: Any) -> Any:
        return {"predicate": data} if isinstance(data, str) else data

    @field_validator("predicate")
    @classmethod
    def _allowed(cls, text: str) -> str:
        text = " ".join(text.split())
        tree = parse(text)
        if "boolean" not in kinds(tree):
            raise ValueError(f"{ast.unparse(tree)!r} is neither true nor false; compare it")
        if not names(tree):
            raise ValueError("must speak of a parameter")
        return text

    @cached_property
    def _tree(self) -> ast.expr:
        return parse(self.predicate)

    @cached_property
    def names(self) -> frozenset[str]:
        """The parameters that it speaks of."""
        return names(self._tree)

    @property
    def last_stage(self) -> int:
        """The highest number of a stage that it speaks of, or 0."""
        indices = [node.slice for node in ast.walk(self._tree) if isinstance(node, ast.Subscript)]
        return max((int(i.value) for i in indices if isinstance(i, ast.Constant)), default=0)  # type: ignore[arg-type]

    def evaluate(self, values: Mapping[str, Array]) -> NDArray[np.bool_]:
        """Which of n networks fulfil it.

        Args:
            values: for each of `names`, an array of shape (n, stages) where there is one value for
                each stage, else (n,). A `group_width` of 0 is null.

        Returns:
            array of shape (n,).
        """
        count = len(values[next(iter(self.names))])
        found, valid = _Evaluation(values, count).of(self._tree)
        return np.asarray(_truth(found) & valid)


class _Evaluation:
    """Works an allowed expression out for n networks."""

    def __init__(self, values: Mapping[str, Array], count: int) -> None:
        self.values, self.count = values, count
        self._found: dict[ast.expr, Found] = {}

    def of(self, node: ast.expr) -> Found:
        if node not in self._found:
            self._found[node] = self._work_out(node)
        return self._found[node]

    def _work_out(self, node: ast.expr) -> Found:
        match node:
            case ast.Name(id=name) if name not in WORDS:
                return self._column(name), self._all()
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int(stage))):
                return self._column(name)[:, stage - 1], self._all()
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]):
                stages = self._column(name).shape[1]
                return np.full(self.count, stages, dtype=np.float64), self._all()
            case ast.Call(func=ast.Name(id=function), args=[ast.Name(id=name)]):
                numbers, are = _numbers(self._column(name))
                return _OVER_STAGES[function](numbers), np.asarray(are.all(axis=1))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._not(operand)
            case ast.UnaryOp(operand=operand):
                found, valid = self._number(operand)
                return -found, valid
            case ast.BinOp(left=left, op=op, right=right):
                found, valid = self._operation(left, op, right)
                return found, valid & np.isfinite(found)
            case ast.BoolOp(op=ast.And(), values=operands):
                return self._all_of(partial(self.of, operand) for operand in operands)
            case ast.BoolOp(values=operands):  # a or b is not (not a and not b)
                found, valid = self._all_of(partial(self._not, operand) for operand in operands)
                return ~found, valid
            case ast.Compare(left=left, ops=ops, comparators=rights):
                lefts = [left, *rights[:-1]]
                pairs = zip(lefts, ops, rights, strict=True)
                return self._all_of(partial(self._comparison, *pair) for pair in pairs)
        return self._constant(constant(node)), self._all()

    def _column(self, name: str) -> Array:
        values = np.asarray(self.values[name])
        if name == "group_width":
            values = values.astype(object)
            values[values == 0] = None
        return values

    def _all_of(self, parts: Iterable[Callable[[], Found]]) -> Found:
        """Whether all parts are true; none after the first false one need have a value."""
        found, valid = self._all(), self._all()
        for part in parts:
            value, there = part()
            valid &= there | ~found
            found &= _truth(value)
        return found, valid

    def _not(self, node: ast.expr) -> Found:
        found, valid = self.of(node)
        return ~_truth(found), valid

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Found:
        if isinstance(op, ORDER):
            return self._operation(left, op, right)
        value, valid = self.of(left)
        if isinstance(right, ast.List):
            listed = [self._constant(constant(item)) for item in right.elts]
        else:
            other, there = self.of(right)
            listed, valid = [other], valid & there
        found = ~self._all()
        for other in listed:
            found |= np.asarray(value.astype(object) == other.astype(object), dtype=np.bool_)
        return ~found if isinstance(op, ast.NotEq | ast.NotIn) else found, valid

    def _operation(self, left: ast.expr, op: ast.AST, right: ast.expr) -> Found:
        (a, there), (b, also) = self._number(left), self._number(right)
        with np.errstate(all="ignore"):
            return _OPERATORS[type(op)](a, b), there & also

    def _number(self, node: ast.expr) -> Found:
        found, valid = self.of(node)
        numbers, are = _numbers(found)
        return numbers, valid & are

    def _constant(self, value: Value) -> Array:
        return np.full(self.count, value, dtype=object)

    def _all(self) -> Array:
        return np.ones(self.count, dtype=np.bool_)


def _truth(values: Array) -> Array:
    return values.astype(np.bool_)


def _numbers(values: Array) -> Found:
    """Values as floating-point numbers, and which of them are numbers."""
    if values.dtype == object:
        are = np.frompyfunc(lambda value: isinstance(value, int | float | np.number), 1, 1)(values)
        values = np.where(are.astype(np.bool_), values, np.nan)
    numbers = values.astype(np.float64)
    return numbers, np.isfinite(numbers)
