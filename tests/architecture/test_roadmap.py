from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dse.architecture import cost
from dse.architecture.catalog import CATALOG
from dse.architecture.roadmap import FROM_RESNET50, FROM_RESNET200

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"

# Multiply-adds counted from plain PyTorch builds of each row of the paper's Table 10.
COUNTED = (
    4089184256, 4089184256, 4525916160, 4417536000, 2349507072, 5267976960, 4644406272, 4065080448,
    4097293440, 4145612928, 4210038912, 4290571392, 4145612928, 4145612928, 4145612928, 4145612928,
    4455531264,
)  # fmt: skip


def test_every_step_costs_what_was_counted_to_the_last_digit() -> None:
    assert tuple(cost(step.architecture).flops for step in FROM_RESNET50) == COUNTED


def test_every_step_but_two_rounds_to_the_printed_gflops() -> None:
    differing = [
        step.number
        for step in FROM_RESNET50
        if f"{cost(step.architecture).flops / 1e9:.2f}" != f"{step.printed_gflops:.2f}"
    ]
    assert differing == [15, 16]  # the paper prints 4.46 and 4.49; its Figure 2 prints 4.2 for 15


def test_the_walk_from_resnet50_ends_at_convnext_tiny() -> None:
    assert FROM_RESNET50[-1].architecture == CATALOG["convnext_tiny"]


def test_the_walk_from_resnet200_is_the_same_and_ends_at_convnext_base() -> None:
    assert FROM_RESNET200[0].architecture == CATALOG["resnet200"]
    assert FROM_RESNET200[-1].architecture == CATALOG["convnext_base"]
    assert FROM_RESNET200[2].architecture.stem_width == 84


def test_each_step_is_another_network_but_for_the_recipe() -> None:
    networks = [step.architecture for step in FROM_RESNET50]
    assert networks[0] == networks[1]
    assert len({network.hash for network in networks}) == len(networks) - 1


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference tables are not beside this clone")
def test_the_reference_tables_come_out() -> None:
    with (REFERENCE / "networks.csv").open() as file:
        for row in csv.DictReader(file):
            found = cost(CATALOG[row["name"]])
            digits = len(row["counted_gmacs"].split(".")[1])
            assert found.params == int(row["params"]), row["name"]
            assert f"{found.flops / 1e9:.{digits}f}" == row["counted_gmacs"], row["name"]
    with (REFERENCE / "roadmap_resnet50.csv").open() as file:
        for row, step in zip(csv.DictReader(file), FROM_RESNET50, strict=True):
            assert int(row["step"]) == step.number
            assert int(row["counted_macs"]) == cost(step.architecture).flops
            assert float(row["printed_gflops"]) == step.printed_gflops
            assert float(row["printed_top1"]) == step.printed_top1
            std = row["printed_top1_std"]
            assert (float(std) if std else None) == step.printed_top1_std
