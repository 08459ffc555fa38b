from __future__ import annotations

import base64
import gzip
import json
import re

import plotly.graph_objects as go

from dse.dashboard.markup import facts, plain_figures, table
from dse.dashboard.page import packed


def test_nothing_in_a_page_value_can_end_the_script_it_is_kept_in():
    evil = "</script><!--<script>&\u2028"
    figures = plain_figures({evil: go.Figure(layout={"title": {"text": evil}})})
    raw = packed({"figures": figures})
    assert re.fullmatch("[A-Za-z0-9+/=]+", raw)
    data = json.loads(gzip.decompress(base64.b64decode(raw)))
    assert data["figures"][evil]["layout"]["title"]["text"] == evil
    assert "template" not in data["figures"][evil]["layout"]


def test_tables_and_facts_show_markup_as_text():
    assert "&lt;b&gt;" in table("<b>", {"<b>": "text"}, [["<b>"]])
    assert "<b>" not in table("<b>", {"<b>": "text"}, [["<b>"]])
    assert "<b>" not in facts({"<b>": {"<b>": "<b>"}})


def test_nested_facts_are_flattened():
    assert "<dt>versions, torch</dt><dd>2.13</dd>" in facts({"versions": {"torch": "2.13"}})
