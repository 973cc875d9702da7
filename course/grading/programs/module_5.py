"""What the sandbox runs for module 5, tasks 5.1 to 5.4. The programs of 5.5 to 5.7 stand in module_5_layers.py."""

from __future__ import annotations

import numpy as np

from course.grading.programs.module_5_layers import (
    batch_norm,
    batch_norm_twice,
    cross_entropy,
    cross_entropy_second,
    cross_entropy_twice,
    dropout,
    layer_forward,
    layer_made,
    lenet,
    lenet_made,
    log_softmax,
    reset_parameters,
    train_epoch,
    train_other,
)
from course.grading.programs.tensors import array_of, leaf, on_python
from course.grading.programs.tracing import problems
from course.trace import trace

__all__ = ["batch_norm", "batch_norm_twice", "cross_entropy", "cross_entropy_second", "cross_entropy_twice", "dropout",
           "layer_forward", "layer_made", "lenet", "lenet_made", "log_softmax", "reset_parameters", "train_epoch",
           "train_other"]

prange = range  # the tracer puts its own here


# ---- 5.1 ----


def output_size(arguments):
    from terox.nn.sliding import output_size as learned

    return learned(*arguments)


@on_python
def conv1d(arrays, layouts, device, stride, padding, grad):
    """The result, and the gradients of all arguments. arrays: input, weight, bias or None."""
    from terox.nn.sliding import conv1d as learned

    views, bases = zip(*[(None, None) if array is None else leaf(array, layout, device)
                         for array, layout in zip(arrays, layouts)])
    out = learned(*views, stride, padding)
    result = {"out": array_of(out), "device": str(out.device),
              "same": [each is None or np.array_equal(array_of(each), array) for each, array in zip(views, arrays)]}
    if grad is not None:
        import terox

        out.backward(terox.tensor(grad, device=device))
        result["grads"] = [None if each is None or each.grad is None else array_of(each.grad) for each in bases]
    return result


@on_python
def conv1d_operations(sizes, stride, padding):
    """How many operations stand in the history of the result, for each of several (N, C, O, L), with a kernel of 3."""
    import terox
    from terox.nn.sliding import conv1d as learned

    found = []
    for n, c, o, length in sizes:
        x, w, b = (terox.tensor(np.ones(shape), requires_grad=True) for shape in ((n, c, length), (o, c, 3), (o,)))
        seen, waiting = set(), [learned(x, w, b, stride, padding).grad_fn]
        while waiting:
            node = waiting.pop()
            if node is not None and node not in seen:
                seen.add(node)
                waiting += [each[0] for each in node.next_functions]
        found.append(len(seen))
    return found


# ---- 5.2 and 5.4 ----


def _all_units(loop, chunks, first, second, sizes, steps):
    for number in prange(len(chunks)):
        loop(chunks[number][0], chunks[number][1], first, second, sizes, steps)


def _all_units_of_three(loop, chunks, first, second, third, sizes, steps):
    for number in prange(len(chunks)):
        loop(chunks[number][0], chunks[number][1], first, second, third, sizes, steps)


def _geometry(sizes, steps):
    return tuple(sizes), tuple(map(tuple, steps))


def windows(name, chunks, out, a, sizes, steps, whole):
    """unfold_range or fold_range. whole: the chunks are all units, traced; else only these units are done."""
    from terox.nn import unfolding

    loop, chunks, geometry = getattr(unfolding, name), [tuple(chunk) for chunk in chunks], _geometry(sizes, steps)
    if not whole:
        for begin, end in chunks:
            loop(begin, end, out, a, *geometry)
        return {"out": out, "problems": []}
    made = trace(_all_units, loop, chunks, out, a, *geometry, out="out",
                 names=("loop", "chunks", "out", "a", "sizes", "steps"))
    return {"out": out, "problems": problems(made)}


def windows_compiled(name, chunks, out, a, sizes, steps):
    from terox.nn import unfolding
    from terox.parallel import compiler

    kernel = compiler.kernel(getattr(unfolding, name), ("float32", "float32"))
    for begin, end in chunks:
        kernel.serial(begin, end, out, a, np.array(sizes, np.int64), np.array(steps, np.int64))
    return out


def max_pool(chunks, out, indices, a, sizes, steps):
    from terox.nn.pooling import max_pool_range as learned

    made = trace(_all_units_of_three, learned, [tuple(chunk) for chunk in chunks], out, indices, a,
                 *_geometry(sizes, steps), out=("out", "indices"),
                 names=("loop", "chunks", "out", "indices", "a", "sizes", "steps"))
    return {"out": out, "indices": indices, "problems": problems(made)}


def max_pool_part(begin, end, out, indices, a, sizes, steps):
    """Some rows alone."""
    from terox.nn.pooling import max_pool_range as learned

    learned(begin, end, out, indices, a, *_geometry(sizes, steps))
    return [out, indices]


def max_pool_back(chunks, grad_input, grad, indices, sizes, steps, whole):
    from terox.nn.pooling import max_pool_back_range as learned

    chunks = [tuple(chunk) for chunk in chunks]
    if not whole:
        for begin, end in chunks:
            learned(begin, end, grad_input, grad, indices, *_geometry(sizes, steps))
        return {"out": grad_input, "problems": []}
    made = trace(_all_units_of_three, learned, chunks, grad_input, grad, indices, *_geometry(sizes, steps),
                 out=("grad_input",), names=("loop", "chunks", "grad_input", "grad", "indices", "sizes", "steps"))
    return {"out": grad_input, "problems": problems(made)}


# ---- 5.3 ----


@on_python
def conv2d(name, first, second, layouts, device, stride, padding, dilation):
    """conv2d, conv2d_input or conv2d_weight. first, second: arrays, or a list of sizes."""
    from terox.nn import convolution

    steps = [tuple(each) for each in (stride, padding, dilation)]
    given = [(leaf(each, layout, device)[0].detach() if isinstance(each, np.ndarray) else tuple(each))
             for each, layout in zip((first, second[0]), layouts)]
    given += [leaf(each, layouts[1], device)[0].detach() for each in second[1:]]
    out = getattr(convolution, name)(*given, *steps)
    before = [first, *second]
    same = [not isinstance(array, np.ndarray) or bool(np.array_equal(array_of(each), array))
            for each, array in zip(given, before)]
    return {"out": array_of(out), "device": str(out.device), "same": same}


@on_python
def conv2d_backward(x, weight, layouts, stride, padding, dilation, grad):
    """The gradients as the op conv2d gives them."""
    import terox
    from terox.nn import conv_functions

    (view, base), (w, w_base) = leaf(x, layouts[0]), leaf(weight, layouts[1])
    out = conv_functions.conv2d(view, w, None, tuple(stride), tuple(padding), tuple(dilation))
    out.backward(terox.tensor(grad))
    return [array_of(out), array_of(base.grad), array_of(w_base.grad)]
