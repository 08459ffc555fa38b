"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dse.space import Sampler
    from dse.study.launching import Launching

JSON = click.option("--json", "as_json", is_flag=True, help="JSON Lines with stable keys.")
TOLERANCE = click.option(
    "--tolerance", default="1%", show_default=True, help="Half width of the budget window."
)
RESOLUTION = click.option(
    "--resolution",
    default=224,
    show_default=True,
    type=click.IntRange(16, 4096),
    help="Input pixels at which FLOPs count.",
)
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1))
BUDGET_HELP = (
    "A target such as 4.5GFLOPs, params=25M or 360-400MFLOPs; repeat it for limits such as "
    "params<=30M, activations<=20M, latency<=5ms or memory<=200MB."
)
POPULATION = click.option(
    "--population",
    default="solved",
    show_default=True,
    type=click.Choice(["solved", "conditioned"]),
    help="Solve the widths for the target, or draw them too and reject what misses the window.",
)
DESIGN = click.option(
    "--design",
    default="independent",
    show_default=True,
    metavar="independent|sobol|latin_hypercube[:N]",
    help="How evenly the draws fill the space.",
)
STRATIFY = click.option(
    "--stratify", multiple=True, metavar="NAME", help="Let a parameter's values come equally often."
)


def sampling(*, budget: str | None) -> Callable[[Any], Any]:
    """The options that say how networks are drawn; `budget` is the default target."""
    target = click.option(
        "--budget",
        multiple=True,
        default=() if budget is None else (budget,),
        show_default=budget is not None,
        metavar="TARGET|LIMIT",
        help=BUDGET_HELP,
    )

    def decorate(command: Any) -> Any:
        for option in (STRATIFY, DESIGN, POPULATION, SEED, RESOLUTION, TOLERANCE, target):
            command = option(command)
        return command

    return decorate


_LAUNCHING = (
    click.option(
        "--workers",
        default=None,
        type=click.IntRange(1, 10_000),
        help="Default: one a core or GPU.",
    ),
    click.option(
        "--launcher",
        default="local",
        show_default=True,
        type=click.Choice(["local", "ray", "slurm"]),
        help="What starts them.",
    ),
    click.option("--device", default="auto", show_default=True, help="cpu, cuda or cuda:1."),
    click.option(
        "--gpu-share",
        default=None,
        type=click.FloatRange(0, 1),
        help="Share of a GPU for each worker; by default all of one here, none elsewhere.",
    ),
    click.option(
        "--cores", default=1, show_default=True, type=click.IntRange(1, 1024), help="For each."
    ),
    click.option("--memory", default=None, metavar="8GB", help="The most that each may hold."),
    click.option(
        "--ray",
        default="local",
        show_default=True,
        metavar="ADDRESS",
        help="The Ray cluster, such as auto or head:6379; local starts one here.",
    ),
    click.option(
        "--slurm",
        multiple=True,
        metavar="KEY=VALUE|FILE",
        help="Of sbatch, such as partition=gpu; may be repeated.",
    ),
    click.option("--scorer", default=None, hidden=True, metavar="MODULE:FUNCTION"),
)


def launching(command: Any) -> Any:
    """The options that say how workers are started."""
    for option in reversed(_LAUNCHING):
        command = option(command)
    return command


def launching_of(options: dict[str, Any]) -> Launching:
    """Takes these options out of all of a command's.

    Raises:
        UserError: one of them is not usable.
    """
    from dataclasses import fields

    from dse.proxy.device import torch_device
    from dse.study.launching import Launching

    found = Launching(**{field.name: options.pop(field.name) for field in fields(Launching)})
    if found.is_local:
        torch_device(found.device)
    return found


def sampler_of(space: str, **options: Any) -> Sampler:
    """What the options ask for.

    Raises:
        UserError: a file or an option is not usable.
    """
    from dse.space import load_space
    from dse.study.sampling import make_sampler

    return make_sampler(load_space(space), **options)


SEARCH_ONLY = ("generation", "objective", "pruner", "warm_start")
"""Options of `dse run` that say how to search."""


def search_options(command: Any) -> Any:
    """The options of `dse run` for an adaptive search."""
    for option in (
        click.option(
            "--warm-start",
            default="auto",
            show_default=True,
            metavar="auto|none|SURVEY|STORE",
            help="Search: begin with a survey's trainings; auto takes the alike one in the store.",
        ),
        click.option(
            "--pruner",
            default="none",
            show_default=True,
            metavar="none|halving|hyperband",
            help="Search: stop trainings that are worse than others after as many epochs.",
        ),
        click.option(
            "--objective",
            multiple=True,
            metavar="NAME",
            help="Search: minimise this beside the error: latency, memory, params, flops or "
            "activations; may be repeated.",
        ),
        click.option(
            "--generation",
            default=8,
            show_default=True,
            type=click.IntRange(1, 10_000),
            help="Search: networks asked for at once; results depend on it.",
        ),
        click.option(
            "--search",
            default=None,
            metavar="tpe|gp|cmaes|nsga2",
            help="Search adaptively with this sampler of Optuna's instead of a survey.",
        ),
    ):
        command = option(command)
    return command
