"""Spaces with everything that a search may meet, and a budget for each."""

from __future__ import annotations

from pathlib import Path

from dse.space import Sampler
from dse.space.language.design_space import DesignSpace, load_space
from dse.study.sampling import make_sampler
from tests.spaces import CONVNEXT, changed

_FOLDER = Path(__file__).parents[2] / "spaces"

CONDITIONS = changed(
    drop_path_rate={"uniform": [0, 0.3], "when": {"norm_layer": "batch_norm"}},
    ls_init_value={"choice": [1e-6, 0.1], "when": {"stem": ["patch", "overlap"]}},
    kernel_sizes={"per_stage": {"choice": [3, 5]}, "when": {"ls_init_value": 0.1}},
)
ORDERED = changed(
    depths={"per_stage": {"log_uniform": [1, 6], "step": 1}, "tie": "non_decreasing"},
    dims={"growth": {"per_stage": {"log_uniform": [1.25, 2.75]}, "tie": "non_increasing"}},
    kernel_sizes={"per_stage": {"choice": [9, 3, 5]}, "tie": "non_increasing"},
    expansion_ratio={
        "per_stage": [3, {"uniform": [1, 6], "step": 0.1}, {"choice": [2, 5, 6]}, 6],
        "tie": "non_decreasing",
    },
    group_width={"per_stage": {"power_of_two": [4, 16]}, "tie": "non_decreasing"},
)
OTHER_PRIORS = changed(
    depths={"any_of": [[3, 3, 9, 3], [2, 2, 6, 2]]},
    dims={"per_stage": {"log_uniform": [16, 1024], "step": 8}},
    kernel_sizes={"shared": {"normal": [3, 9], "step": 2}},
    expansion_ratio={"shared": {"log_normal": [1, 6]}},
    group_width={"shared": {"choice": [None, 8, 16]}},
    drop_path_rate={"normal": [0, 0.3]},
    stem_ratio={"uniform": [0.1, 0.7], "step": 0.1},
    stem="simple",
)
SPACES: dict[str, tuple[DesignSpace, str]] = {
    "convnext": (CONVNEXT, "4.5GFLOPs"),
    "roadmap": (load_space(_FOLDER / "roadmap_space.yaml"), "4.5GFLOPs"),
    "regnetx": (load_space(_FOLDER / "regnetx_pycls.yaml"), "400MFLOPs"),
    "isotropic": (load_space(_FOLDER / "isotropic_space.yaml"), "4.5GFLOPs"),
    "anynetx": (load_space(_FOLDER / "anynetx_a.yaml"), "400MFLOPs"),
    "conditions": (CONDITIONS, "4.5GFLOPs"),
    "ordered": (ORDERED, "4.5GFLOPs"),
    "other priors": (OTHER_PRIORS, "4.5GFLOPs"),
}


def sampler(name: str) -> Sampler:
    """Solved networks of one of the spaces."""
    space, budget = SPACES[name]
    return make_sampler(space, budget=budget)
