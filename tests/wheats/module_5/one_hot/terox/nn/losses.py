"""A right solution built another way: logsumexp, and one-hot rows in place of gather and scatter_add."""


def log_softmax(input, dim):
    return input - input.logsumexp(dim, keepdim=True)


class CrossEntropy(Function):
    @staticmethod
    def forward(ctx, input, target):
        ctx.save_for_backward(input, target)
        rows = log_softmax(input, 1)
        total = rows.new_zeros(())
        for n, right in enumerate(target.tolist()):
            total = total - rows[n, right]
        return total / input.shape[0]

    @staticmethod
    def backward(ctx, grad):
        input, target = ctx.saved_tensors
        classes = input.shape[1]
        ones = [[float(right == c) for c in range(classes)] for right in target.tolist()]
        onehot = input.new_zeros(input.shape)
        for n, row in enumerate(ones):
            for c, one in enumerate(row):
                if one:
                    onehot[n, c] = 1.0
        return (input.softmax(1) - onehot) * grad / input.shape[0], None
