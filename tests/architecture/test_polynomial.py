from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from dse.architecture.polynomial import Factors, Polynomial

NAMES = ("x", "y", "z")
Point = dict[str, int]


@st.composite
def products(draw: st.DrawFn) -> Factors:
    powers = draw(st.dictionaries(st.sampled_from(NAMES), st.integers(-2, 3).filter(bool)))
    return tuple(sorted(powers.items()))


multiples = st.integers(-9, 9).filter(bool)
polynomials = st.dictionaries(products(), multiples, max_size=4).map(Polynomial)
points = st.fixed_dictionaries({name: st.integers(-20, 20).filter(bool) for name in NAMES})


def at(term: Polynomial | int, point: Point) -> Fraction:
    """An independent evaluation, exact."""
    return sum(
        (
            multiple * math.prod(Fraction(point[name]) ** power for name, power in factors)
            for factors, multiple in Polynomial.of(term).terms.items()
        ),
        Fraction(0),
    )


@given(polynomials, polynomials | st.integers(-9, 9), points)
def test_arithmetic_is_that_of_the_values(p: Polynomial, q: Polynomial | int, point: Point) -> None:
    assert at(p + q, point) == at(p, point) + at(q, point)
    assert at(q + p, point) == at(p, point) + at(q, point)
    assert at(p - q, point) == at(p, point) - at(q, point)
    assert at(p * q, point) == at(p, point) * at(q, point)
    assert at(q * p, point) == at(p, point) * at(q, point)


@given(polynomials, st.integers(0, 4), points)
def test_a_power_is_that_of_the_value(p: Polynomial, exponent: int, point: Point) -> None:
    assert at(p**exponent, point) == at(p, point) ** exponent


@given(polynomials, polynomials, polynomials)
def test_equal_polynomials_have_equal_terms(p: Polynomial, q: Polynomial, r: Polynomial) -> None:
    assert (p + q).terms == (q + p).terms
    assert (p * q).terms == (q * p).terms
    assert ((p + q) + r).terms == (p + (q + r)).terms
    assert ((p * q) * r).terms == (p * (q * r)).terms
    assert (p * (q + r)).terms == (p * q + p * r).terms
    assert (p + 0).terms == (p * 1).terms == (0 + p).terms == (1 * p).terms == p.terms
    assert (p - p).terms == (p * 0).terms == (0 * p).terms == {}


@given(polynomials, products(), multiples, points)
def test_a_single_product_divides_what_it_was_multiplied_with(
    p: Polynomial, factors: Factors, multiple: int, point: Point
) -> None:
    divisor = Polynomial({factors: multiple})
    assert ((p * divisor) // divisor).terms == p.terms
    quotient = p * multiple // divisor
    assert at(quotient, point) == at(p * multiple, point) / at(divisor, point)


@given(polynomials, polynomials)
def test_arithmetic_leaves_no_empty_terms_and_its_operands_as_they_were(
    p: Polynomial, q: Polynomial
) -> None:
    before = dict(p.terms), dict(q.terms)
    for result in (p + q, p - q, p * q, p + 1, p * 3, p**2):
        assert all(result.terms.values())
        for factors in result.terms:
            assert list(factors) == sorted(factors)
            assert all(power for _, power in factors)
    assert (p.terms, q.terms) == before
