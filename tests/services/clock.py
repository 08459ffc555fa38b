"""A wall clock that is two hours ahead, for one process."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.services import require

SOURCE = Path(__file__).with_name("skewed_clock.c")
AHEAD_SECONDS = 7200


def skewed_clock(folder: Path) -> dict[str, str]:
    """What sets the clock of a process that has it in its environment."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    require(compiler is not None, "a C compiler")
    assert compiler is not None
    library = folder / "skewed_clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}
