"""A proxy by the name of a preset, or from a file."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, Final

from dse.config import Document, load_document
from dse.errors import UserError
from dse.proxy.data.prepared import META, WORK
from dse.proxy.recipe import Proxy

PRESETS: Final = Path(__file__).parent / "presets"
_COMMAND: Final = re.compile(r"^# +(dse data prepare .*)$", re.MULTILINE)


def load_proxy(name_or_path: str) -> Proxy:
    """A preset by its name, or a proxy described in a YAML file.

    The path of a prepared data set is read as seen from the file's folder, of a preset's as seen
    from here, and becomes absolute.

    Raises:
        UserError: there is no such preset or file, it holds a mistake (the sentence names the
            line), or its data set is not prepared.
    """
    if name_or_path in preset_names():
        return _load_preset(name_or_path)
    if Path(name_or_path).suffix in {".yaml", ".yml"}:
        document = load_document(name_or_path)
        return document.parse(Proxy, _seen_from(document.path.parent, document))
    near = difflib.get_close_matches(name_or_path, preset_names(), n=1, cutoff=0.0)
    raise UserError(
        f"proxy {name_or_path!r}: there is no such preset; did you mean {near[0]!r}? Presets: "
        f"{', '.join(preset_names())}; or give a file that ends in .yaml."
    )


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def preparing_command(name: str) -> str | None:
    """How the data set of a preset is made, as its first comment says; None where none is needed.

    Words in capitals stand for what only the user knows.
    """
    text = (PRESETS / f"{name}.yaml").read_text(encoding="utf-8")
    found = _COMMAND.search(text)
    return found[1] if found else None


def _load_preset(name: str) -> Proxy:
    document = load_document(PRESETS / f"{name}.yaml")
    command = preparing_command(name)
    folder = Path(document.data.get("dataset", {}).get("path", ""))
    if command and not (folder / META).exists() and not (folder / WORK).exists():
        raise UserError(
            f"proxy {name!r}: {folder} holds no prepared data set; make it with: {command}"
        )
    return document.parse(Proxy, _seen_from(Path.cwd(), document))


def _seen_from(folder: Path, document: Document) -> dict[str, Any]:
    dataset = document.data.get("dataset")
    if not isinstance(dataset, dict) or not isinstance(dataset.get("path"), str):
        return document.data
    path = (folder / Path(dataset["path"]).expanduser()).resolve()
    return document.data | {"dataset": dataset | {"path": str(path)}}
