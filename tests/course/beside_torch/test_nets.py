"""A network's state goes to torch and back: the same names and shapes, and then the same outputs and gradients."""

from __future__ import annotations

import numpy as np
import pytest

import terox


def nets(lib):
    """A maker for each network, in one library."""
    nn = lib.nn

    class LeNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
            self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

        def forward(self, x):
            x = nn.functional.max_pool2d(self.conv1(x).relu(), 2)
            x = nn.functional.max_pool2d(self.conv2(x).relu(), 2).flatten(1)
            return self.fc3(self.fc2(self.fc1(x).relu()).relu())

    def blocks():
        return nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.LeakyReLU(0.1)),
            nn.Sequential(nn.Conv2d(4, 8, (3, 1), groups=2), nn.GELU(), nn.MaxPool2d(2)),
            nn.Flatten(), nn.Linear(8 * 6 * 7, 12), nn.BatchNorm1d(12), nn.Tanh(), nn.Dropout(0.0), nn.LayerNorm(12),
            nn.Linear(12, 10, bias=False))

    return {"LeNet": (lambda: terox.nn.LeNet()) if lib is terox else LeNet, "blocks": blocks}


def to_terox(state):
    return {name: terox.tensor(value.numpy()) for name, value in state.items()}


def to_torch(torch, state):
    return {name: torch.tensor(value.tolist(), dtype=getattr(torch, value.dtype.name)) for name, value in state.items()}


def close(got, expected, what):
    """Equal up to rounding: sums of float64, in another order, through up to nine layers."""
    got, expected = (np.array(each.detach().tolist()) for each in (got, expected))
    assert got.shape == expected.shape, what
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9 * max(np.abs(expected).max(initial=0), 1),
                               err_msg=what)


@pytest.mark.parametrize("device", ["python", "cpu"])
@pytest.mark.parametrize("name", ["LeNet", "blocks"])
@pytest.mark.parametrize("way", ["from torch", "to torch"])
def test_a_state_dict_is_exchanged(name, way, device, torch):
    """Names, shapes and dtypes agree; loaded with strict=True, outputs, gradients and the state afterwards agree."""
    before = terox.get_default_device()
    terox.set_default_device(device)
    try:
        theirs, mine = nets(torch)[name]().double(), nets(terox)[name]().double()
        states = [[(key, tuple(value.shape), str(value.dtype).rpartition(".")[2])
                   for key, value in model.state_dict().items()] for model in (theirs, mine)]
        assert states[0] == states[1]
        assert repr(mine) == repr(theirs)
        if way == "from torch":
            mine.load_state_dict(to_terox(theirs.state_dict()), strict=True)
        else:
            theirs.load_state_dict(to_torch(torch, mine.state_dict()), strict=True)
        random = np.random.default_rng(1)
        x, weights = random.standard_normal((4, 1, 28, 28)), random.standard_normal((4, 10))
        for training in (True, False):
            outs = []
            for lib, model in ((torch, theirs), (terox, mine)):
                model.train(training).zero_grad()
                leaf = lib.tensor(x.tolist(), dtype=lib.float64).requires_grad_()
                outs.append((leaf, model(leaf)))
                (outs[-1][1] * lib.tensor(weights.tolist(), dtype=lib.float64)).sum().backward()
            close(outs[1][1], outs[0][1], f"output, training={training}")
            close(outs[1][0].grad, outs[0][0].grad, f"gradient for the input, training={training}")
            for (key, one), other in zip(mine.named_parameters(), theirs.parameters()):
                close(one.grad, other.grad, f"gradient for {key}, training={training}")
            for key, value in mine.state_dict().items():
                close(value, theirs.state_dict()[key], f"{key} afterwards, training={training}")
    finally:
        terox.set_default_device(before)


@pytest.mark.parametrize("name, bound, fan", [("xavier_uniform_", 6.0, "both"), ("kaiming_uniform_", 6.0, "in"),
                                              ("xavier_normal_", 2.0, "both"), ("kaiming_normal_", 2.0, "in")])
def test_first_numbers_have_the_right_spread(name, bound, fan):
    """By their statistics, more than 7 standard deviations wide. (With random numbers, torch is no oracle.)"""
    weight = terox.zeros(60, 20, 5, device="python")
    assert getattr(terox.nn.init, name)(weight) is weight
    numbers = np.array(weight.tolist()).ravel()
    variance = bound / (100 + 300 if fan == "both" else 100)
    variance = variance / 3 if "uniform" in name else variance
    assert abs(numbers.mean()) < 7 * np.sqrt(variance / numbers.size)
    assert abs((numbers**2).mean() / variance - 1) < 7 * np.sqrt(2 / numbers.size)
    if "uniform" in name:
        assert np.sqrt(3 * variance) * 0.98 < np.abs(numbers).max() <= np.sqrt(3 * variance) * (1 + 1e-6)


def test_dropout_in_a_network():
    """The module drops in training alone, and scales what it keeps."""
    layer, x = terox.nn.Dropout(0.25), terox.ones(60, 100, device="python")
    out = np.array(layer(x).tolist())
    assert set(np.unique(out.round(5))) == {0.0, 1.33333}
    assert abs((out == 0).mean() - 0.25) < 7 * np.sqrt(0.25 * 0.75 / 6000)
    assert layer.eval()(x) is x
