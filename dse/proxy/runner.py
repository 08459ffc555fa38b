"""The ways to call a training step: as it is, as a CUDA graph, with its forward pass compiled."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from dse.proxy import compiling
from dse.proxy.failures import is_out_of_memory
from dse.proxy.graph import Capture, CaptureError, Work
from dse.proxy.optimizer import capturable
from dse.proxy.step import TrainingStep

WARM_UP: Final = 3
"""Steps of the training itself that are called as they are before one is captured."""


class StepRunner:
    """Calls `step` in the fastest way that works: the results are those of calling it as it is.

    With a `capture`, the training's own first steps warm up, so that no state has to be put back:
    to capture a step does nothing to a network.

    Attributes:
        compiled: whether the forward pass is a compiled one.
        refusals: why a faster way is not taken, in sentences.
    """

    def __init__(
        self, step: TrainingStep, capture: Capture | None, compile: compiling.Compile = "never"
    ) -> None:
        self.step, self.capture = step, capture
        self.compiled = False
        self.refusals: list[str] = []
        self._work: Callable[[Tensor, Tensor], None] = step
        self._held: tuple[Tensor, Tensor] | None = None
        self._warm = 0
        self._replay: Work | None = None
        self._may_compile = compile == "auto"
        self._since: tuple[int, float] | None = None
        if compile == "always":
            self._compile()

    @property
    def captured(self) -> bool:
        """Whether steps are replayed."""
        return self._replay is not None

    def in_words(self) -> str:
        """The way that is taken, and why a faster one is not."""
        ways = [way for way in ("compiled", "captured") if getattr(self, way)]
        words = " and ".join(ways) or "eager"
        return f"{words} ({'; '.join(self.refusals)})" if self.refusals else words

    def __call__(self, images: Tensor, labels: Tensor) -> None:
        """Do the step that was prepared."""
        if self.capture is None:
            self._work(images, labels)
            return
        if self._held is None:
            self._held = torch.empty_like(images), torch.empty_like(labels)
        for place, new in zip(self._held, (images, labels), strict=True):
            place.copy_(new)
        if self._replay:
            self._replay()
        else:
            self._warm_up(self.capture)

    def waited(self, step: int) -> None:
        """Say that the device has done all steps before number `step`: here time can be told."""
        now, last = time.perf_counter(), self._since
        settled = self.captured or self.capture is None
        self._since = (step, now) if settled else None
        if last and self._may_compile:
            self._may_compile = False
            seconds = (now - last[1]) / (step - last[0])
            if compiling.pays(seconds * (len(self.step.losses) - step)):
                self._compile()

    def rested(self) -> None:
        """Say that other work was done since, whose time is no step's."""
        self._since = None

    def _warm_up(self, capture: Capture) -> None:
        capture.warm_up(self._work_on_held)
        self._warm += 1
        if self._warm < WARM_UP:
            return
        self.step.optimizer.zero_grad(set_to_none=True)  # a replay has gradients of its own
        try:
            with capturable(self.step.optimizer):
                self._replay = capture.record(self._work_on_held)
        except CaptureError as error:
            self.capture = None
            self._refuse(f"the training step is not captured as a CUDA graph: {error}")

    def _work_on_held(self) -> None:
        assert self._held is not None
        self._work(*self._held)

    def _compile(self) -> None:
        """From the next step on, which is captured anew."""
        self.step.forward = torch.compile(self.step.model, dynamic=False)
        self._work, self._replay, self._warm = self._first_compiled, None, 0

    def _first_compiled(self, images: Tensor, labels: Tensor) -> None:
        model, begin = self.step.model, time.perf_counter()
        before = [buffer.clone() for buffer in model.buffers()]
        try:
            self.step(images, labels)
            compiling.note(time.perf_counter() - begin)
            self.compiled = True
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            for buffer, kept in zip(model.buffers(), before, strict=True):
                buffer.copy_(kept)
            self.step.forward = model
            self._refuse(f"the network is not compiled: {str(error).partition(chr(10))[0]}")
            self.step(images, labels)
        self._work = self.step

    def _refuse(self, sentence: str) -> None:
        self.refusals.append(sentence)
        warnings.warn(sentence, RuntimeWarning, stacklevel=2)
