from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dse.errors import UserError
from dse.space.sampling.streams import Design, DesignKind, Stream, attempts_in

DESIGNS = [Design(), Design(kind="sobol"), Design(kind="latin_hypercube", block=50)]


@pytest.mark.parametrize("design", DESIGNS, ids=str)
@settings(max_examples=20, deadline=None)
@given(indices=st.lists(st.integers(0, 3000), min_size=1, max_size=20), seed=st.integers(0, 99))
def test_a_point_depends_on_its_number_alone(design: Design, indices: list[int], seed: int) -> None:
    stream = Stream(key=(seed, 1), columns=3, design=design)
    together = stream.points(np.array(indices), 0)
    alone = [stream.points(np.array([index]), 0)[0] for index in indices]
    np.testing.assert_array_equal(together, alone)
    assert (together >= 0).all()
    assert (together < 1).all()


@pytest.mark.parametrize("design", DESIGNS, ids=str)
@pytest.mark.parametrize("round_", [0, 1, 3])
def test_every_coordinate_is_uniform(design: Design, round_: int) -> None:
    stream = Stream(key=(0,), columns=4, design=design)
    points = stream.points(np.arange(2000), round_)
    assert points.shape == (2000, attempts_in(round_), 4)
    for column in range(4):
        assert stats.kstest(points[:, 0, column], "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(points[:, 0].T)[0, 1]) < 0.08


def test_the_first_points_are_the_same_on_every_machine_and_in_every_version() -> None:
    first = Stream(key=(0, 7), columns=2).points(np.array([0, 300]), 0)[:, 0]
    expected = [
        [0.3256542133870617, 0.16817913538740725],
        [0.8910351531218625, 0.05433860842636762],
    ]
    np.testing.assert_allclose(first, expected, rtol=1e-12)


def test_keys_rounds_and_numbers_give_other_points() -> None:
    one, other = (Stream(key=(key,), columns=2) for key in (0, 1))
    found = [
        one.points(np.array([0, 1, 256]), 0)[:, 0],
        one.points(np.array([0, 1, 256]), 1)[:, 0],
        other.points(np.array([0, 1, 256]), 0)[:, 0],
    ]
    assert len(np.unique(np.concatenate(found))) == 18


def test_each_latin_hypercube_has_one_point_in_every_slice() -> None:
    stream = Stream(key=(3,), columns=5, design=Design(kind="latin_hypercube", block=50))
    points = stream.points(np.arange(100), 0)[:, 0]
    for start in (0, 50):
        slices = np.sort(np.floor(points[start : start + 50] * 50), axis=0)
        np.testing.assert_array_equal(slices, np.tile(np.arange(50.0)[:, None], 5))


def test_a_sobol_sequence_fills_the_cube_more_evenly_than_independent_points() -> None:
    kinds: tuple[DesignKind, ...] = ("sobol", "independent")
    means = []
    for kind in kinds:
        streams = (Stream(key=(seed,), columns=6, design=Design(kind=kind)) for seed in range(20))
        errors = [
            abs(np.prod(s.points(np.arange(256), 0)[:, 0] + 0.5, axis=1).mean() - 1)
            for s in streams
        ]
        means.append(np.mean(errors))
    assert means[0] < means[1] / 3


@pytest.mark.parametrize(
    ("text", "design"),
    [
        ("independent", Design()),
        ("sobol", Design(kind="sobol")),
        ("latin_hypercube", Design(kind="latin_hypercube")),
        ("latin_hypercube:64", Design(kind="latin_hypercube", block=64)),
    ],
)
def test_a_design_is_read_and_written(text: str, design: Design) -> None:
    assert Design.parse(text) == design
    assert Design.parse(str(design)) == design


@pytest.mark.parametrize("text", ["grid", "sobol:64", "latin_hypercube:1", "latin_hypercube:x", ""])
def test_what_is_no_design_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="write independent, sobol, latin_hypercube"):
        Design.parse(text)
