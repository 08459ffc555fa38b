"""Random architectures for property tests: all that the description can express."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from dse.architecture.spec import CHOICES, Architecture


@st.composite
def architectures(draw: st.DrawFn, max_stages: int = 4) -> Architecture:
    """Any network that can be described, small enough to build in a test."""
    stages = draw(st.integers(1, max_stages))
    choices: dict[str, Any] = {name: draw(st.sampled_from(v)) for name, v in CHOICES.items()}
    basic = choices["block_order"] == "basic"
    depths = tuple(draw(st.lists(st.integers(1, 3), min_size=stages, max_size=stages)))
    sizes = st.sampled_from((1, 3, 5, 7))
    groupings = ("dense", "grouped") if basic else ("dense", "grouped", "widths", "depthwise")
    grouping = draw(st.sampled_from(groupings))
    unit = 1 if grouping in ("dense", "depthwise") else 8
    dims = st.integers(1, 24 // unit).map(lambda k: k * unit)
    ratios = st.sampled_from((0.25, 0.5, 1.0, 2.0)) if unit == 8 else st.floats(0.1, 5)
    group_width = _one_or_one_a_stage(st.sampled_from((1, 2)), stages)
    layers = 2 if basic else 3
    follows = choices["downsampling"] == "in_block" or choices["stem"] == "simple"
    stem_width = st.none() | dims if follows else st.none()
    return Architecture(
        depths=depths,
        dims=tuple(draw(st.lists(dims, min_size=stages, max_size=stages))),
        kernel_sizes=tuple(
            draw(sizes | st.lists(sizes, min_size=d, max_size=d).map(tuple)) for d in depths
        ),
        expansion_ratio=draw(_one_or_one_a_stage(ratios, stages)),
        groups={"dense": 1, "grouped": 2}.get(grouping),
        group_width=draw(group_width) if grouping == "widths" else None,
        norms_per_block=draw(st.integers(0, layers) | _places(range(layers))),
        acts_per_block=draw(st.integers(0, layers) | _places((*range(layers), "add"))),
        grn=not basic and draw(st.booleans()),
        bias=draw(st.sampled_from((None, True, False))),
        patch_size=draw(st.sampled_from((1, 2, 4))) if choices["stem"] == "patch" else 4,
        stem_width=draw(stem_width),
        stem_norm=draw(st.booleans()),
        stem_act=draw(st.sampled_from((None, True, False))),
        downsample_norm=draw(st.booleans()),
        shortcut_norm=draw(st.booleans()),
        head_norm=draw(st.sampled_from((None, True, False))),
        ls_init_value=draw(st.sampled_from((None, 1e-6, 0.5))),
        drop_path_rate=draw(st.sampled_from((0.0, 0.3))),
        **choices,
    )


def _one_or_one_a_stage(values: st.SearchStrategy[Any], stages: int) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=stages, max_size=stages).map(tuple)


def _places(values: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """Some of the values, in their order."""
    allowed = list(values)
    return st.sets(st.sampled_from(allowed)).map(
        lambda chosen: tuple(value for value in allowed if value in chosen)
    )
