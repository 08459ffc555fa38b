"""Dashboards: YAML files that say which panels a page has, in which order, of which networks."""

from __future__ import annotations

import difflib
import inspect
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from dse.config import Config, load_config
from dse.dashboard.filters import Filter
from dse.dashboard.panels import PANELS
from dse.errors import UserError

SHIPPED: Final = Path(__file__).parent / "dashboards"
"""The top folder `dashboards/`, which is part of the installed package."""
ENDINGS: Final = (".yaml", ".yml")


class ShownPanel(Config):
    """One panel of a page; its name alone is short for it.

    Attributes:
        panel: its name.
        columns: what it shows, of the population's columns; empty for its own choice.
        title: its heading; empty for its own.
    """

    panel: str
    columns: tuple[str, ...] = ()
    title: str = ""

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, data: Any) -> Any:
        return {"panel": data} if isinstance(data, str) else data

    @field_validator("panel")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in PANELS:
            near = difflib.get_close_matches(name, PANELS, n=1, cutoff=0.0)[0]
            raise ValueError(
                f"{name!r} is no panel; did you mean {near!r}? Known panels: {', '.join(PANELS)}"
            )
        return name


class Dashboard(Config):
    """Which panels a page has, in which order, of which networks.

    Attributes:
        format: version of this file format.
        title: heading of the page; empty for what was studied.
        about: a line below it.
        panels: what is shown, in this order.
        filter: only networks that meet all of these conditions: by column `[low, high]` in stored
            units (fractions, FLOPs; null for an open end), a value, or a list of values.
        studies: only these, in this order; empty for all that are given.
    """

    format: Literal[1] = 1
    title: str = ""
    about: str = ""
    panels: tuple[ShownPanel, ...] = Field(min_length=1)
    filter: dict[str, Any] = Field(default_factory=dict)
    studies: tuple[str, ...] = ()

    @field_validator("panels", mode="before")
    @classmethod
    def _listed(cls, data: Any) -> Any:
        if not isinstance(data, list | tuple) or not data:
            raise ValueError(f"must list panels: {', '.join(PANELS)}")
        return data

    @field_validator("filter", mode="before")
    @classmethod
    def _conditions(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError("must hold columns and what is asked of them")
        return Filter.from_plain(data).to_plain()

    @cached_property
    def networks(self) -> Filter:
        """The filter."""
        return Filter.from_plain(self.filter)


def load_dashboard(name_or_path: str) -> Dashboard:
    """A dashboard that comes with the package by its name, or one from a YAML file.

    Raises:
        UserError: there is no such dashboard or file, or it holds a mistake; the sentence names
            the file, its line and what is allowed.
    """
    if name_or_path in dashboard_names():
        return load_config(Dashboard, SHIPPED / f"{name_or_path}.yaml")
    if Path(name_or_path).suffix in ENDINGS:
        return load_config(Dashboard, name_or_path)
    names = dashboard_names()
    near = difflib.get_close_matches(name_or_path, names, n=1, cutoff=0.0)
    raise UserError(
        f"dashboard {name_or_path!r}: there is none of this name; did you mean {near[0]!r}? "
        f"Dashboards: {', '.join(names)}; or give a file that ends in .yaml."
    )


def dashboard_names() -> list[str]:
    """The dashboards that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def dashboard_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a dashboard's file."""
    schema = Dashboard.model_json_schema()
    panel = schema.pop("$defs")["ShownPanel"]
    for part, model in ((schema, Dashboard), (panel, ShownPanel)):
        part.pop("title")
        part["description"] = inspect.cleandoc(model.__doc__ or "").partition("\n")[0]
        lines = _attributes(model)
        for name, key in part["properties"].items():
            key.pop("title", None)
            key["description"] = lines[name]
    known = [{"const": name, "description": each.about} for name, each in PANELS.items()]
    panel["properties"]["panel"] = {"oneOf": known, "description": lines["panel"]}
    value = {"type": ["string", "number", "boolean", "null"]}
    schema["properties"]["filter"]["additionalProperties"] = {
        "anyOf": [value, {"type": "array", "items": value, "minItems": 1}]
    }
    schema["properties"]["panels"]["items"] = {"anyOf": [{"oneOf": known}, panel]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "A dashboard",
    }


def _attributes(model: type[Config]) -> dict[str, str]:
    """Each key's lines of the docstring."""
    text = inspect.cleandoc(model.__doc__ or "").partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): ((?:.|\n {8})+)", text, flags=re.MULTILINE)
    return {name: " ".join(lines.split()) for name, lines in found}
