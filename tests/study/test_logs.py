"""A worker's log: what it holds, and that it stays small."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from dse.errors import UserError
from dse.study.logs import log_to


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("dse")
    handlers, level = root.handlers[:], ours.level
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    ours.setLevel(level)
    logging.captureWarnings(False)


def test_a_log_has_our_news_and_others_warnings_with_times_in_utc(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "w.log"
    log_to(path)
    logging.getLogger("dse.study.worker").info("network 3 is done: ü")
    logging.getLogger("dse.study.worker").debug("a detail")
    logging.getLogger("sqlalchemy").info("a detail of others")
    logging.getLogger("sqlalchemy").warning("the server is gone")
    warnings.warn("an old option", UserWarning, stacklevel=1)
    lines = path.read_text(encoding="utf-8").splitlines()
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(time + r" INFO dse\.study\.worker: network 3 is done: ü", lines[0])
    assert re.fullmatch(time + " WARNING sqlalchemy: the server is gone", lines[1])
    assert "WARNING py.warnings: " in lines[2]
    assert "an old option" in lines[2]
    assert "detail" not in path.read_text()


def test_a_full_log_begins_anew_and_the_oldest_part_goes(tmp_path: Path) -> None:
    path = tmp_path / "w.log"
    log_to(path, max_bytes=1000, backups=2)
    for number in range(200):
        logging.getLogger("dse").info("line %d", number)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["w.log", "w.log.1", "w.log.2"]
    assert all(file.stat().st_size <= 1000 for file in tmp_path.iterdir())
    assert "line 199" in path.read_text()
    assert "line 0\n" not in "".join(file.read_text() for file in tmp_path.iterdir())


def test_a_log_that_is_there_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "w.log"
    path.write_text("before\n")
    log_to(path)
    logging.getLogger("dse").info("after")
    assert path.read_text().startswith("before\n")
    assert path.read_text().endswith(": after\n")


def test_without_a_file_the_log_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    log_to(None)
    logging.getLogger("dse").info("news")
    assert capsys.readouterr().err.endswith("Z INFO dse: news\n")


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--log .*w\.log: cannot be written: "):
        log_to(tmp_path / "file" / "w.log")
