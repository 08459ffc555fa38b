"""A network as one file that needs PyTorch alone: `model.py`.

The file is written from the built network: each module by the call that makes it, and the classes
of `dse.network` by their own source, so that neither can drift apart from what is trained here.
"""

from __future__ import annotations

import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Template
from typing import Any

import torch
from torch import nn

import dse
from dse.architecture import Architecture, cost
from dse.network import layers
from dse.network.build import Block, Network, Stage, build
from dse.units import CONVENTION, format_count

LICENCE = "Apache-2.0"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_WIDTH = 100
_SCALE = "LAYER_SCALE"
_TEMPLATE = Path(__file__).with_name("model.py.txt")


def standalone(
    a: Architecture,
    *,
    name: str,
    classes: int = 1000,
    resolution: int = 224,
    interpolation: str = "bicubic",
    crop_share: float = 0.875,
) -> str:
    """Python source with a class `Network` that equals what `build(a)` builds.

    Names and shapes in its state dict are the same, and so are the weights from the same seed of
    torch's generator.

    Args:
        a: the network.
        name: what it is called; any text.
        classes: the default number of its outputs.
        resolution: pixels for which the cost is told, and that timm is told.
        interpolation, crop_share: of the evaluation, as timm is told.
    """
    with torch.device("meta"):
        network = build(a, classes=classes)
    blocks, stages = _stages(network)
    scale = a.ls_init_value
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        header=_header(a, name, classes, resolution),
        layers=_sources(network),
        block_forward=_method(Block.forward),
        stage_forward=_method(Stage.forward),
        network_forward=_method(Network.forward),
        layer_scale="" if scale is None else f"{_SCALE} = {scale!r}  # its initial value\n\n\n",
        blocks="\n\n\n".join(blocks),
        stem=_indented(_named(network.stem, first="in_channels"), 8),
        stages=_indented(stages, 8),
        head=_indented(_named(network.head, last="classes"), 8),
        count=sum(a.depths),
        last=max(1, sum(a.depths) - 1),
        drop_path_rate=a.drop_path_rate,
        entry=entry_point(name),
        signature=_signature(entry_point(name)),
        classes=classes,
        resolution=resolution,
        interpolation=interpolation,
        crop_share=crop_share,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        licence=LICENCE.lower(),
        first_conv=next(iter(network.stem.named_children()))[0],
    )


def entry_point(name: str) -> str:
    """The name under which timm knows a network: an identifier that no model of timm's has.

    >>> entry_point("convnext-4.5GFLOPs-network-0007")
    'dse_convnext_4_5gflops_network_0007'
    """
    return "dse_" + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _signature(entry: str) -> str:
    line = f"def {entry}(pretrained: bool = False, **options: Any) -> Network:"
    return line if len(line) <= _WIDTH else line.replace("(", "(\n    ").replace(")", "\n)")


def _header(a: Architecture, name: str, classes: int, resolution: int) -> str:
    counted = cost(a, resolution=resolution, classes=classes)
    shown = re.sub(r"[^\w .,:+%()-]", "_", name)  # it stands between quotes
    sentences = (
        f"{format_count(counted.flops, 'FLOPs')} ({counted.flops:,}), {counted.params:,} "
        f"parameters and {counted.activations:,} activations, for one image of {resolution} px and "
        f"{classes} classes. {CONVENTION}; activations are their outputs.",
        f"Written by dse {dse.__version__}. Licence of this file: {LICENCE}.",
        f'Where timm is installed, importing this file lets timm.create_model("{entry_point(name)}"'
        ") make the network.",
    )
    title = f"{shown}: a convolutional network, in PyTorch alone."
    return "\n\n".join(textwrap.fill(text, _WIDTH - 3) for text in (title, *sentences))


def _sources(network: nn.Module) -> str:
    """The source of the layers that are used, in the order of their module."""
    used = {type(module) for module in network.modules()} | {layers.DropPath}
    own = [kind for kind in used if kind.__module__ == layers.__name__]
    own.sort(key=lambda kind: inspect.getsourcelines(kind)[1])
    return "\n\n".join(inspect.getsource(kind) for kind in own)


def _method(function: Callable[..., Any]) -> str:
    return inspect.getsource(function).rstrip()


def _stages(network: Network) -> tuple[list[str], str]:
    """The functions that make blocks, and the expression of all stages that calls them."""
    functions, entries, done = [], [], 0
    for number, stage in enumerate(network.stages, start=1):
        assert isinstance(stage, Stage)
        calls = []
        texts = map(_block, stage.blocks)
        first = 1
        for text, equal in itertools.groupby(texts):
            last = first + len(list(equal)) - 1
            whole = last - first + 1 == len(stage.blocks)
            which = f"block {first}" if first == last else f"blocks {first} to {last}"
            name = f"stage_{number}_" + ("block" if whole else which.replace(" ", "_"))
            functions.append(
                f"def {name}(drop_path: float) -> Block:\n"
                f'    """{which.capitalize()} of stage {number}."""\n'
                f"    return {_indented(text, 4)}"
            )
            calls.append(f"map({name}, rates[{done}:{done + last - first + 1}])")
            done += last - first + 1
            first = last + 1
        blocks = calls[0] if len(calls) == 1 else _list([f"*{call}" for call in calls])
        entries.append(_call("Stage", [_named(stage.downsample), blocks]))
    return functions, _call("nn.Sequential", entries)


def _block(block: nn.Module) -> str:
    """The call that makes a block, which is told its own rate of dropped paths."""
    assert isinstance(block, Block)
    parts = ["drop_path", f"branch={_named(block.branch)}"]
    for name in ("shortcut", "after"):
        modules = getattr(block, name)
        if len(modules):
            parts.append(f"{name}={_named(modules)}")
    return _call("Block", parts)


def _named(modules: nn.Sequential, *, first: str | None = None, last: str | None = None) -> str:
    """Named modules; `first` stands for the inputs of the first, `last` for the last outputs."""
    children = list(modules.named_children())
    parts = []
    for place, (name, module) in enumerate(children):
        inside = first if place == 0 else None
        outside = last if place == len(children) - 1 else None
        parts.append(f"{name}={_module(module, inside, outside)}")
    return _call("layers", parts) if parts else "layers()"


def _module(module: nn.Module, inside: str | None, outside: str | None) -> str:
    """The call that makes a module."""
    arguments: list[object]
    match module:
        case nn.Conv2d():
            arguments = [inside or module.in_channels, outside or module.out_channels]
            arguments.append(module.kernel_size[0])
            usual: dict[str, tuple[object, object]] = {
                "stride": (module.stride[0], 1),
                "padding": (_side(module.padding), 0),
                "groups": (module.groups, 1),
                "bias": (module.bias is not None, True),
            }
            arguments += [f"{key}={value}" for key, (value, rest) in usual.items() if value != rest]
        case nn.Linear():
            arguments = [inside or module.in_features, outside or module.out_features]
            arguments += [] if module.bias is not None else ["bias=False"]
        case nn.LayerNorm() | nn.RMSNorm():
            arguments = [module.normalized_shape[0]]
        case nn.BatchNorm2d():
            arguments = [module.num_features]
        case layers.GlobalResponseNorm():
            arguments = [len(module.weight)]
        case layers.LayerScale():
            arguments = [len(module.gamma), _SCALE]
        case nn.MaxPool2d():
            arguments = [module.kernel_size, module.stride, module.padding]
        case _:
            assert type(module) in layers.ACTIVATIONS.values(), type(module)
            arguments = []
    return f"{_class(module)}({', '.join(map(str, arguments))})"


def _side(padding: object) -> object:
    return padding[0] if isinstance(padding, tuple) else padding


def _class(module: nn.Module) -> str:
    kind = type(module)
    return kind.__name__ if kind.__module__ == layers.__name__ else f"nn.{kind.__name__}"


def _call(function: str, arguments: Sequence[str]) -> str:
    """A call with a line for each argument."""
    return f"{function}(\n{_lines(arguments)})"


def _list(entries: Sequence[str]) -> str:
    return f"[\n{_lines(entries)}]"


def _lines(entries: Sequence[str]) -> str:
    return "".join(f"    {_indented(entry, 4)},\n" for entry in entries)


def _indented(text: str, spaces: int) -> str:
    """All lines but the first one moved to the right."""
    return text.replace("\n", "\n" + " " * spaces)
