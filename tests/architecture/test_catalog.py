from __future__ import annotations

from pathlib import Path

import pytest

from dse.architecture import Architecture
from dse.architecture.catalog import find_architecture
from dse.errors import UserError


def test_a_file_may_say_only_what_differs_from_convnext_tiny(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("kernel_sizes: [3, 3, 3, 3]\nls_init_value: null\n")
    expected = Architecture(kernel_sizes=(3, 3, 3, 3), ls_init_value=None)
    assert find_architecture(str(path)) == expected
    path.write_text("name: x\narchitecture:\n  kernel_sizes: [3, 3, 3, 3]\n  ls_init_value:\n")
    assert find_architecture(str(path)) == expected


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"resnet51: is neither .* resnet50\?.* convnext_tiny"):
        find_architecture("resnet51")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("depths: [3]", r"net.yaml: depths, dims"), ("architecture: 3", r"net.yaml: architecture")],
)
def test_a_mistake_in_a_file_is_told_with_its_name(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        find_architecture(str(path))
