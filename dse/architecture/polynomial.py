"""Polynomials in named numbers: what a closed form is before its numbers are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

Factors = tuple[tuple[str, int], ...]
"""Symbols with their powers, which may be negative, in alphabetical order; () is 1."""

Term = Union["Polynomial", int]


class Polynomial:
    """A sum of integer multiples of products of symbols.

    >>> width, groups = Polynomial.symbol("width"), Polynomial.symbol("groups")
    >>> (2 * width * (width // groups) + 1).terms
    {(('groups', -1), ('width', 2)): 2, (): 1}

    Attributes:
        terms: the multiple of each product.
    """

    __slots__ = ("terms",)

    def __init__(self, terms: dict[Factors, int]) -> None:
        self.terms = terms

    @classmethod
    def symbol(cls, name: str) -> Polynomial:
        """A number that is not known yet."""
        return cls({((name, 1),): 1})

    @classmethod
    def of(cls, term: Term) -> Polynomial:
        """A number as a polynomial."""
        return term if isinstance(term, Polynomial) else cls({(): term} if term else {})

    def __add__(self, other: Term) -> Polynomial:
        terms = dict(self.terms)
        _add(terms, Polynomial.of(other).terms.items())
        return Polynomial(terms)

    def __sub__(self, other: Term) -> Polynomial:
        return self + -1 * Polynomial.of(other)

    def __mul__(self, other: Term) -> Polynomial:
        if isinstance(other, int):
            scaled = {factors: multiple * other for factors, multiple in self.terms.items()}
            return Polynomial(scaled if other else {})
        terms: dict[Factors, int] = {}
        for left, one in self.terms.items():
            products = ((_product(left, right, 1), one * two) for right, two in other.terms.items())
            _add(terms, products)
        return Polynomial(terms)

    def __floordiv__(self, other: Term) -> Polynomial:
        """Division by a single product, without remainder once the numbers are known."""
        ((right, another),) = Polynomial.of(other).terms.items()
        assert all(multiple % another == 0 for multiple in self.terms.values()), (self, other)
        return Polynomial(
            {_product(left, right, -1): one // another for left, one in self.terms.items()}
        )

    def __pow__(self, exponent: int) -> Polynomial:
        power = Polynomial.of(1)
        for _ in range(exponent):
            power = power * self
        return power

    __radd__ = __add__
    __rmul__ = __mul__


def _add(terms: dict[Factors, int], others: Iterable[tuple[Factors, int]]) -> None:
    for factors, multiple in others:
        total = terms.get(factors, 0) + multiple
        if total:
            terms[factors] = total
        else:
            terms.pop(factors, None)


def _product(left: Factors, right: Factors, sign: int) -> Factors:
    powers = dict(left)
    for name, power in right:
        powers[name] = powers.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in powers.items() if power))
