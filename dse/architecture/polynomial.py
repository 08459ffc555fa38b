"""Polynomials in named numbers: what a closed form is before its numbers are known."""

from __future__ import annotations

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
        for factors, multiple in Polynomial.of(other).terms.items():
            terms[factors] = terms.get(factors, 0) + multiple
        return Polynomial({factors: multiple for factors, multiple in terms.items() if multiple})

    def __sub__(self, other: Term) -> Polynomial:
        return self + -1 * Polynomial.of(other)

    def __mul__(self, other: Term) -> Polynomial:
        total = Polynomial({})
        for left, one in self.terms.items():
            for right, another in Polynomial.of(other).terms.items():
                total = total + Polynomial({_product(left, right, 1): one * another})
        return total

    def __floordiv__(self, other: Term) -> Polynomial:
        """Division by a single product, which must leave no remainder once the numbers are known."""
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


def _product(left: Factors, right: Factors, sign: int) -> Factors:
    powers = dict(left)
    for name, power in right:
        powers[name] = powers.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in powers.items() if power))
