"""The shipped spaces, and variants of one, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dse.space.language.design_space import DesignSpace, load_space

SPACES = Path(__file__).parents[1] / "spaces"
CONVNEXT_FILE = SPACES / "convnext_space.yaml"
CONVNEXT = load_space(CONVNEXT_FILE)


def changed(**parameters: Any) -> DesignSpace:
    """The convnext space with some of its parameters replaced."""
    data = CONVNEXT.definition()
    data["parameters"] |= parameters
    return DesignSpace.model_validate(data)
