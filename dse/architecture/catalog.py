"""Networks by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dse.architecture.spec import Architecture
from dse.config import load_yaml
from dse.errors import UserError

_T, _S = (3, 3, 9, 3), (3, 3, 27, 3)

CATALOG: dict[str, Architecture] = {
    # ConvNeXt (Liu et al. 2022), section 3
    "convnext_tiny": Architecture(depths=_T, dims=(96, 192, 384, 768)),
    "convnext_small": Architecture(depths=_S, dims=(96, 192, 384, 768)),
    "convnext_base": Architecture(depths=_S, dims=(128, 256, 512, 1024)),
    "convnext_large": Architecture(depths=_S, dims=(192, 384, 768, 1536)),
    "convnext_xlarge": Architecture(depths=_S, dims=(256, 512, 1024, 2048)),
}


def find_architecture(name_or_file: str) -> Architecture:
    """A network from the catalog, or from a YAML file that describes one.

    The file holds the keys of `Architecture`, at the top or under `architecture:`; keys that are
    left out have ConvNeXt-T's values.

    Raises:
        UserError: no such name or file, or a value in the file is impossible.
    """
    if name_or_file in CATALOG:
        return CATALOG[name_or_file]
    if not Path(name_or_file).suffix and not Path(name_or_file).exists():
        raise UserError(
            f"{name_or_file}: is neither a file nor a known network; known are "
            f"{', '.join(CATALOG)}."
        )
    data: Any = load_yaml(name_or_file)
    try:
        described = data.get("architecture", data)
        if not isinstance(described, dict):
            raise UserError("architecture must hold keys and values.")
        return Architecture.from_dict(described)
    except UserError as error:
        raise UserError(f"{name_or_file}: {error}") from None
