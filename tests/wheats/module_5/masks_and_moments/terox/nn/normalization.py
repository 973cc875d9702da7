"""Channels last, as a matrix; the variance from the differences; the running statistics by their distance."""

from terox._grad_mode import no_grad


def batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps):
    moved = input.transpose(1, -1)  # (N, ..., C)
    if training:
        rows = moved.reshape(-1, moved.shape[-1])
        n = len(rows)
        mean = rows.sum(0) / n
        var = ((rows - mean) ** 2).sum(0) / n
        with no_grad():
            if running_mean is not None:
                running_mean.add_(momentum * (mean - running_mean).detach())
            if running_var is not None:
                running_var.add_(momentum * (n / (n - 1) * var - running_var).detach())
    else:
        mean, var = running_mean, running_var
    scale = 1 / (var + eps).sqrt()
    scale = scale if weight is None else scale * weight
    shift = -mean * scale
    shift = shift if bias is None else shift + bias
    return (moved * scale + shift if not training else (moved - mean) * scale + (0 if bias is None else bias)
            ).transpose(1, -1)
