"""Random architectures for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from dse.architecture.spec import CHOICES, Architecture


@st.composite
def architectures(draw: st.DrawFn, max_stages: int = 4, max_width: int = 24) -> Architecture:
    """Any network the description can express, small enough to build in a test."""
    stages = draw(st.integers(1, max_stages))

    def each(values: st.SearchStrategy[int]) -> tuple[int, ...]:
        return tuple(draw(st.lists(values, min_size=stages, max_size=stages)))

    return Architecture(
        depths=each(st.integers(1, 3)),
        dims=each(st.integers(1, max_width)),
        kernel_sizes=each(st.sampled_from((1, 3, 5, 7))),
        expansion_ratio=draw(st.floats(0.1, 5)),
        norms_per_block=draw(st.integers(0, 3)),
        acts_per_block=draw(st.integers(0, 3)),
        ls_init_value=draw(st.sampled_from((None, 1e-6, 0.5))),
        **{name: draw(st.sampled_from(values)) for name, values in CHOICES.items()},  # type: ignore[arg-type]
    )
