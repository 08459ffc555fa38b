from __future__ import annotations

import json

import plotly.graph_objects as go

from dse.dashboard.markup import facts, figures_json, table


def test_no_text_in_a_figure_can_end_the_script_it_is_kept_in():
    evil = "</script><!--<script>&\u2028"
    raw = figures_json({evil: go.Figure(layout={"title": {"text": evil}})})
    assert not set(raw) & set("<>&\u2028")
    assert json.loads(raw)["figures"][evil]["layout"]["title"]["text"] == evil


def test_tables_and_facts_show_markup_as_text():
    assert "&lt;b&gt;" in table("<b>", {"<b>": "text"}, [["<b>"]])
    assert "<b>" not in table("<b>", {"<b>": "text"}, [["<b>"]])
    assert "<b>" not in facts({"<b>": {"<b>": "<b>"}})


def test_nested_facts_are_flattened():
    assert "<dt>versions, torch</dt><dd>2.13</dd>" in facts({"versions": {"torch": "2.13"}})
