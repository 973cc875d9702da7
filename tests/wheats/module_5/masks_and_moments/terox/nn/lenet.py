"""Layers in a loop; a loop that forgets at its end as well, and counts in another order."""

from terox.nn import functional as F
from terox.nn.layers import Conv2d, Linear


class LeNet:
    def __init__(self, device=None):
        super().__init__()
        for name, layer in (("conv1", Conv2d(1, 6, (5, 5), (1, 1), (2, 2), device=device)),
                            ("conv2", Conv2d(6, 16, 5, bias=True, device=device)),
                            ("fc1", Linear(16 * 5 * 5, 120, device=device)), ("fc2", Linear(120, 84, device=device)),
                            ("fc3", Linear(84, 10, device=device))):
            setattr(self, name, layer)

    def forward(self, input):
        for conv in (self.conv1, self.conv2):
            input = F.max_pool2d(conv(input), 2, 2).relu()  # the largest is positive if any of them is
        input = input.reshape(len(input), -1)
        for fc in (self.fc1, self.fc2):
            input = F.linear(input, fc.weight, fc.bias).relu()
        return self.fc3(input)


def train_epoch(model, loss_function, optimizer, batches, on_step=None):
    model.train(True)
    rows = []
    model.zero_grad()
    for inputs, targets in batches:
        output = model(inputs)
        loss = loss_function(output, targets)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        right = sum(int(a == b) for a, b in zip(output.argmax(dim=-1).tolist(), targets.tolist()))
        rows.append((inputs.shape[0], float(loss.item()), right))
        optimizer.step()
        if on_step:
            on_step(*rows[-1])
        optimizer.zero_grad()
    examples = sum(count for count, _, _ in rows)
    return sum(count * value for count, value, _ in rows) / examples, sum(right for _, _, right in rows) / examples
