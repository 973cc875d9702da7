"""Task 2.7: what is provided for training (network, predict, evaluate, fit), and learns with your functions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import Net, Watched, run, tensor_close

import terox
from course import check
from terox.foundations.module import Module
from terox.optim import SGD
from terox.tensors.mlp import MLP, Layer
from terox.tensors.training import evaluate, fit, linear, predict

pytestmark = pytest.mark.task("2.7")

POINTS = np.array([[1.0, 0.5], [0.5, 1.5], [1.5, 1.0], [1.0, 2.0], [-1.0, -0.5], [-0.5, -1.5], [-1.5, -1.0],
                   [-1.0, -2.0]], dtype=np.float32)
CLASSES = np.array([1, 1, 1, 1, 0, 0, 0, 0])


class Table(Module):
    """Its logits are its inputs. It remembers in which mode it was called."""

    def __init__(self):
        super().__init__()
        self.inner = Net([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
        self.modes = []

    def forward(self, x):
        self.modes.append((self.training, self.inner.training, terox.is_grad_enabled(), len(x)))
        return linear(x, terox.eye(x.shape[1]), terox.zeros(x.shape[1]))


def test_an_mlp_learns():
    """An MLP learns which side of a line points lie on, in 12 epochs of fit, provided, with your train_epoch."""
    terox.manual_seed(3)
    model = MLP([2, 4, 2])
    optimizer = Watched(model.parameters(), lr=0.3, momentum=0.5)
    told = []
    history = run(fit, model, optimizer, terox.tensor(POINTS), terox.tensor(CLASSES), epochs=12, batch_size=3,
                  on_step=lambda count, loss: told.append((count, loss)))
    call = "fit(MLP([2, 4, 2]), ..., epochs=12, batch_size=3) on 8 points"
    check.equal(len(history), 12, call=f"the number of losses of {call}")
    check.equal([count for count, _ in told], [3, 3, 2] * 12, call=f"the sizes of the batches of {call}")
    check.that(history[-1] < 0.5 * history[0], "The loss has hardly fallen: it does not learn.", call=call,
               got=history[-1], expected=f"less than half of {history[0]!r}")
    check.equal(evaluate(model, terox.tensor(POINTS), terox.tensor(CLASSES)), 1.0, call=f"the accuracy after {call}")


def test_an_mlp_by_hand():
    """MLP([3, 4, 2]), provided: linear and relu, then linear without; images are made flat first."""
    terox.manual_seed(5)
    model = MLP([3, 4, 2])
    shapes = {name: list(parameter.shape) for name, parameter in model.named_parameters()}
    check.equal(list(shapes.items()), [("layer0.weight", [4, 3]), ("layer0.bias", [4]), ("layer1.weight", [2, 4]),
                                       ("layer1.bias", [2])], call="the parameters of MLP([3, 4, 2])")
    w0, b0, w1, b1 = (parameter.detach().numpy().astype(np.float64) for parameter in model.parameters())
    x = np.array([[[1.0], [2.0], [-3.0]], [[0.5], [-1.0], [4.0]]])  # (2, 3, 1)
    right = np.maximum(x.reshape(2, 3) @ w0.T + b0, 0.0) @ w1.T + b1
    got = run(model, terox.tensor(x, dtype=terox.float32))
    tensor_close(got, right, call="MLP([3, 4, 2])(x), x of shape (2, 3, 1)", rtol=1e-5, atol=1e-5)
    for weight in (w0, w1):
        bound = 1.0 / np.sqrt(weight.shape[1])
        check.that(np.abs(weight).max() <= bound * (1.0 + 1e-6), "A weight is larger than 1 / sqrt(inputs).",
                   call="MLP([3, 4, 2])", got=float(np.abs(weight).max()), expected=f"at most {bound}")


@given(rows=st.lists(st.tuples(st.lists(st.integers(-3, 3), min_size=3, max_size=3), st.integers(0, 2)), min_size=1,
                     max_size=6), batch_size=st.integers(1, 7), training=st.booleans())
def test_predict_and_evaluate(rows, batch_size, training):
    """predict, provided, names the class of the largest logit, in eval mode and without recording; evaluate counts."""
    logits = np.array([row for row, _ in rows], dtype=np.float32)
    labels = np.array([label for _, label in rows])
    model = Table().train(training)
    got = run(predict, model, terox.tensor(logits), batch_size)
    call = f"predict(model, images, {batch_size}) for the logits {logits.tolist()}"
    said = logits.argmax(axis=1)
    check.equal(got.tolist(), said.tolist(), call=call)
    sizes = [len(logits[start : start + batch_size]) for start in range(0, len(logits), batch_size)]
    check.equal(model.modes, [(False, False, False, size) for size in sizes],
                call=f"{call}: (model.training, model.inner.training, is_grad_enabled(), batch) when it was called")
    check.equal((model.training, model.inner.training), (training, training), call=f"{call}: the modes afterwards")
    check.close(run(evaluate, model, terox.tensor(logits), terox.tensor(labels)), float((said == labels).mean()),
                call=f"evaluate(...) for the logits {logits.tolist()} and the labels {labels.tolist()}")


def test_a_network_can_be_made_again():
    """manual_seed decides about the weights and the order of the examples."""

    def trained(seed):
        terox.manual_seed(seed)
        model = MLP([2, 3, 2])
        losses = run(fit, model, SGD(model.parameters(), lr=0.1), terox.tensor(POINTS), terox.tensor(CLASSES), epochs=2,
                     batch_size=3)
        return losses, [parameter.tolist() for parameter in model.parameters()]

    first, again, other = trained(1), trained(1), trained(2)
    check.equal(again, first, call="two trainings with the same seed")
    check.that(other != first, "Another seed gives the same training.", call="two trainings with different seeds")


def test_a_layer_says_what_it_is():
    """A network that makes no sense is refused, and a layer prints its sizes."""
    for sizes in ([3], [], [2, 0], [2, -1, 2]):
        check.raises(ValueError, lambda sizes=sizes: MLP(sizes), call=f"MLP({sizes})", mentions=("positive sizes",))
    layer = Layer(3, 2, True)
    check.that("inputs=3, outputs=2, relu=True" in repr(layer), "A layer prints its sizes.",
               call="repr(Layer(3, 2, True))", got=repr(layer))
    tensor_close(run(layer, terox.zeros(1, 3)), np.maximum(layer.bias.detach().numpy(), 0.0)[None],
                 call="Layer(3, 2, True)(zeros)", rtol=1e-6)
