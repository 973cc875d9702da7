"""LeNet, which reads digits, and its training loop. Task 5.7.

Source: LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998, with what came
later: max-pooling, relu, cross-entropy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from terox.foundations.module import Module
from terox.nn import functional as F  # noqa: F401  For you to use.
from terox.nn.layers import Conv2d, Linear  # noqa: F401  For you to use.
from terox.tensors.tensor import Tensor


class LeNet(Module):
    """Images (N, 1, 28, 28) to logits of 10 classes (N, 10); 61,706 parameters, registered in this order:

        conv1  1 to 6 channels, 5 x 5, padding 2    relu, max-pool 2 x 2    (N, 6, 14, 14)
        conv2  6 to 16 channels, 5 x 5              relu, max-pool 2 x 2    (N, 16, 5, 5)
        fc1    400 to 120                           relu
        fc2    120 to 84                            relu
        fc3    84 to 10
    """

    def __init__(self, device: str | None = None) -> None:
        """The five layers, on `device`."""
        super().__init__()
        # TODO 5.7: five attributes, in the order of the table.

        raise NotImplementedError("Task 5.7: LeNet.__init__")

    def forward(self, input: Tensor) -> Tensor:
        """The logits. `F.max_pool2d(x, 2)`, `x.relu()`, `x.flatten(1)`."""
        # TODO 5.7: the table, from top to bottom; between conv2 and fc1, each image becomes a row.

        raise NotImplementedError("Task 5.7: LeNet.forward")


def train_epoch(model: Module, loss_function: Callable[[Tensor, Tensor], Tensor], optimizer: Any,
                batches: Iterable[tuple[Tensor, Tensor]],
                on_step: Callable[[int, float, int], None] | None = None) -> tuple[float, float]:
    """One pass over `batches`, pairs of inputs (N, ...) and targets (N,) int64; returns the mean loss of all examples
    and the accuracy, from 0.0 to 1.0, as floats.

    For each batch, in training mode: forget the old gradients, compute the output and `loss_function(output, targets)`,
    a mean over the batch, differentiate it, let the optimizer step. Then, if `on_step` is given,
    `on_step(number of examples, loss of the batch, how many of them were right)`.

    Right is where the largest logit is that of the target. Loss and rightness are those of the output before the step,
    and a small batch counts for less than a large one. `batches` can be gone through once. There is one batch at least.
    """
    # TODO 5.7: the five steps of training; then count: loss, right ones, examples.

    raise NotImplementedError("Task 5.7: train_epoch")


# End of the file.
