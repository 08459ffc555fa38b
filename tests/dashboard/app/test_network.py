"""A network's own page."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import yaml

from dse.architecture import Architecture, cost
from dse.dashboard.app.network import architecture_yaml, network_value
from dse.dashboard.view import StudyData, View
from tests.dashboard.app.made import make_server, renamed


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", " ", html)


def test_the_layers_cost_what_the_network_costs(study: StudyData) -> None:
    index = int(study.networks["index"].iloc[0])
    value = network_value(View(studies=(study,)), study, index)
    network = Architecture.from_dict(study.networks["architecture"].iloc[0])
    whole = cost(network, resolution=224)
    sums = text_of(value["sections"]).split("Sum")[1].split()
    assert sums[0] == f"{whole.flops / 1e6:,.2f}"
    assert sums[1] == f"{whole.params / 1e3:,.2f}"
    assert sums[2] == f"{whole.activations / 1e6:,.2f}"


def test_all_trainings_of_the_network_and_no_other_are_listed(study: StudyData) -> None:
    index = int(study.population.loc[study.population["replicate"] == 1, "index"].iloc[0])
    value = network_value(View(studies=(study,)), study, index)
    (section,) = re.findall(r'<section id="trainings".*?</section>', value["sections"], re.DOTALL)
    errors = study.population.loc[study.population["index"] == index, "error"]
    assert len(errors) == 2
    for error in errors:
        assert f"{100 * error:.1f} %" in section
    assert section.count("<tr>") == 3
    (curves,) = (f for name, f in value["figures"].items() if "curves" in name)
    assert [trace["name"] for trace in curves["data"]] == ["seed 1", "seed 2"]


def test_a_bad_end_has_its_reason(study: StudyData) -> None:
    row = study.networks[study.networks["state"] == "diverged"].iloc[0]
    value = network_value(View(studies=(study,)), study, int(row["index"]))
    assert value["subtitle"].endswith(f"diverged {row['reason']}")


def test_measurements_stand_with_their_conditions(study: StudyData) -> None:
    rows = {
        "index": [0, 1],
        "name": "latency",
        "value": [0.0123, 98.76],
        "low": 0.012,
        "high": 0.013,
    }
    rows |= {"n": 15, "unit": "s", "device": "cpu", "dtype": "float32", "batch": 1}
    rows |= {"layout": "channels_last", "resolution": 224}
    measured = replace(study, measurements=pd.DataFrame(rows))
    found = text_of(network_value(View(studies=(measured,)), measured, 0)["sections"])
    for words in ("latency", "0.0123", "float32", "channels last", "224"):
        assert words in found
    assert "98.76" not in found


def test_the_saved_architecture_can_be_read_back(study: StudyData) -> None:
    client = make_server(study)[0].test_client()
    answer = client.get(f"/_dse/network.yaml?study={study.name}&index=5")
    document = yaml.safe_load(answer.text)
    assert answer.text == architecture_yaml(study, 5)
    row = study.networks[study.networks["index"] == 5].iloc[0]
    assert Architecture.from_dict(document["architecture"]) == Architecture.from_dict(
        row["architecture"]
    )


def test_an_imported_network_is_shown_without_what_is_not_known(study: StudyData) -> None:
    imported = renamed(study, "zoo", kind="imported", resolution=None)
    value = network_value(View(studies=(imported,)), imported, 1)
    assert 'id="layers"' not in value["sections"]
    assert 'id="export"' not in value["sections"]
    assert 'id="values"' in value["sections"]


def test_names_are_text_everywhere(study: StudyData) -> None:
    evil = '</script><img src=x onerror="alert(1)">'
    named = renamed(study, evil, store=f"{evil}.db")
    value = network_value(View(studies=(named,)), named, 1)
    assert "<img" not in value["sections"]
    assert "&lt;img" in value["sections"]
