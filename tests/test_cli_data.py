"""`dse data` as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dse.cli import main
from dse.cli.data import share
from dse.errors import UserError
from tests.proxy.data import made
from tests.spaces import CONVNEXT_FILE


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_info:
        main(["data", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(exit_info.value.code or 0), captured.out, captured.err


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    return made.image_folder(root, {"train": 20, "val": 5}, awkward=True)


def test_prepare_says_what_was_made_and_what_was_refused(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ("prepare", f"folder:{folder}", "-o", out, "--resolution", 16, "--max-bad", "5%")
    code, table, err = run(capsys, *arguments)
    assert (code, err.strip()) == (0, "")
    for words in (
        "train images",
        "62",
        "20 to 22",
        "Refused images",
        "across/zero.png",
        "is empty",
    ):
        assert words in table
    code, line, _ = run(capsys, "info", out, "--json", "--verify")
    row = json.loads(line)
    assert (code, row["verified"], row["refused"]) == (0, True, 3)
    assert row["class_names"] == list(made.CLASSES)
    assert {image["name"] for image in row["refused_images"]} == {
        "across/notes.txt", "across/truncated.jpeg", "across/zero.png",
    }  # fmt: skip
    assert run(capsys, *arguments)[:2] == (0, table)  # again is the same


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--max-bad", "1%"), "3 of 80 images are refused, more than --max-bad allows (0)"),
        (("--max-bad", "1"), "--max-bad '1': write a percentage"),
        (("--test-share", "100%"), "test_share: input should be less than 1"),
        (("--channels", "2"), "Invalid value for '--channels'"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    out = tmp_path / "out"
    code, _, err = run(capsys, "prepare", f"folder:{folder}", "-o", out, *arguments)
    assert code == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert not (out / "meta.json").exists()


def test_info_of_a_damaged_or_missing_data_set_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--classes", 2, "--per-class", 4, "--test-per-class", 2, "--resolution", 16)
    assert run(capsys, "prepare", "fractals", "-o", out, *options)[0] == 0
    labels = out / "test_labels.npy"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\1")
    assert run(capsys, "info", out)[0] == 0
    code, _, err = run(capsys, "info", out, "--verify")
    assert code == 2
    assert "test_labels.npy: is damaged: its SHA-256" in err
    assert "is no prepared data set" in run(capsys, "info", tmp_path / "nowhere")[2]


@pytest.mark.parametrize(("text", "expected"), [("0%", 0), ("1.5 %", 0.015), ("100%", 1)])
def test_a_share_is_a_percentage(text: str, expected: float) -> None:
    assert share(text, "--x") == pytest.approx(expected)
    for wrong in ("1", "nan%", "-1%", "101%", "many%"):
        with pytest.raises(UserError, match="--x"):
            share(wrong, "--x")


def test_neither_torch_nor_torchvision_decodes() -> None:
    code = (
        "import sys, dse.proxy.data.prepare\n"
        "print(sorted({'torch', 'torchvision', 'pyarrow', 'datasets'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_study_on_prepared_images_refuses_others_in_their_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def prepared(per_class: int) -> None:
        source = made.npz(tmp_path / f"{per_class}.npz", per_class)
        assert run(
            capsys, "prepare", f"npz:{source}", "-o", tmp_path / "stripes", "--resolution", 32
        )[0] == 0  # fmt: skip

    def study() -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_info:
            main(
                ["run", str(CONVNEXT_FILE), "--budget", "0.3GFLOPs", "--models", "2", "--workers",
                 "1", "--repeat", "0%", "--proxy", str(proxy), "--store", str(tmp_path / "s.db")]
            )  # fmt: skip
        captured = capsys.readouterr()
        return int(exit_info.value.code or 0), captured.out, captured.err

    proxy = tmp_path / "mine.yaml"
    proxy.write_text(
        "dataset: {source: prepared, path: stripes}\nchannels: 0.125\nepochs: 1\n"
        "recipe: {batch_size: 16}\n"
    )
    prepared(16)
    code, out, err = study()
    assert code == 0, err
    assert "48 images of 3 stripes classes" in out
    (tmp_path / "stripes").rename(tmp_path / "before")
    prepared(17)
    code, _, err = study()
    assert code == 2
    assert "proxy.dataset.checksum" in err
