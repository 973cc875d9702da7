"""A bound by the number of elements; parameters registered by name; both settings by name."""

import math

from terox.foundations.parameter import Parameter
from terox.nn import functional as F
from terox.nn import init
from terox.tensors.factories import empty


def reset_parameters(weight, bias):
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        bound = (weight.numel() / weight.shape[0]) ** -0.5
        init.uniform_(bias, -bound, bound)


class Linear:
    def _make_parameters(self, bias, kind):
        weight = empty(self.out_features, self.in_features, **kind)
        extra = empty(self.out_features, **kind) if bias else None
        reset_parameters(weight, extra)
        self.register_parameter("weight", Parameter(weight))
        self.register_parameter("bias", Parameter(extra) if bias else None)

    def forward(self, input):
        out = F.linear(input, self.weight)
        return out if self.bias is None else out + self.bias


class Conv2d:
    def _make_parameters(self, bias, kind):
        shape = (self.out_channels, self.in_channels // self.groups) + tuple(self.kernel_size)
        for name, sizes in (("weight", shape), ("bias", shape[:1])):
            wanted = name == "weight" or bias
            self.register_parameter(name, Parameter(empty(sizes, **kind)) if wanted else None)
        reset_parameters(self.weight, self.bias)

    def forward(self, input):
        return F.conv2d(input, self.weight, bias=self.bias, padding=self.padding, stride=self.stride,
                        groups=self.groups, dilation=self.dilation)
