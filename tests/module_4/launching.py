"""One way to run a kernel for its values: on the GPU, where there is one, else in the simulator.

Numbers alone prove little about a kernel: a race may give the right ones. What a kernel touches is judged by tracing it.
"""

from __future__ import annotations

import inspect

import numpy as np

from course.check import CheckFailed
from course.term import count
from terox import _numba
from terox.cuda.simulator import BarrierError, Dim3


def launch(kernel, grid, block, *args, call=None, **bound):
    """Run `kernel` with `bound` as its first parameters. NumPy arrays among `args` get what it writes.

    call: what a failure shows. A barrier that some threads of a block do not reach fails the test, in words.
    """
    leading = list(inspect.signature(kernel).parameters)[: len(bound)]
    assert sorted(leading) == sorted(bound), f"{kernel.__name__} begins with {leading}"
    if _numba.CUDA != "sim":
        _launch_compiled(kernel, grid, block, args, {name: bound[name] for name in leading})
        return
    try:
        _numba.cuda.launch(kernel, grid, block, [*(bound[name] for name in leading), *args])
    except BarrierError as error:
        raise CheckFailed(call, note=str(error)) from None
    except IndexError as error:
        raise CheckFailed(call, note=" ".join([*getattr(error, "__notes__", ()), f"{_sentence(error)} On a GPU, nobody "
                                               "would notice, and other memory would be overwritten, or read."]
                                              )).with_traceback(error.__traceback__) from None


def _sentence(error):
    text = str(error)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def described(grid, block):
    """ "2 blocks of 4 threads". """
    return f"{count(grid, 'block')} of {count(block, 'thread')}"


def _launch_compiled(kernel, grid, block, args, bound):
    from terox.cuda import compiler
    from terox.cuda.memory import DeviceMemory

    moved = [_copied(DeviceMemory, each) if isinstance(each, np.ndarray) else each for each in args]
    dtypes = [each.dtype.name for each in args if isinstance(each, np.ndarray)]
    compiler.kernel(kernel, tuple(dtypes), **bound).launch(grid, block, *moved)
    for array, memory in zip(args, moved):
        if isinstance(array, np.ndarray):
            array.reshape(-1)[:] = memory.to_host()


def _copied(memory_of, array):
    memory = memory_of(array.size, array.dtype)
    memory.from_host(np.ascontiguousarray(array).reshape(-1))
    return memory


def threads(grid, block):
    """All threads of a grid of one dimension, as pairs (block, thread), in the order of `cuda.grid(1)`."""
    return [(Dim3(b, 0, 0), Dim3(t, 0, 0)) for b in range(grid) for t in range(block)]
