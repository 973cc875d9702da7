"""One way to run a kernel for its values: on the GPU, where there is one, else in the simulator.

Numbers alone prove little about a kernel: a race may give the right ones. What a kernel touches is judged by tracing.
"""

from __future__ import annotations

import ast
import inspect
import textwrap

import numpy as np

from course.check import CheckFailed
from course.term import count
from course.trace.gpu import trace_kernel
from terox import _numba
from terox.cuda import compiler
from terox.cuda.simulator import BarrierError, Dim3

DEADLY = {"out of range", "negative index", "divergent barrier"}  # after one of these, a GPU does nothing more


def launch(kernel, grid, block, *args, call=None, **bound):
    """Run `kernel` with `bound` as its first parameters. NumPy arrays among `args` get what it writes.

    call: what a failure shows. A barrier that some threads of a block do not reach fails the test, in words, and so
    does an index out of range.
    """
    leading = list(inspect.signature(kernel).parameters)[: len(bound)]
    assert sorted(leading) == sorted(bound), f"{kernel.__name__} begins with {leading}"
    bound = {name: bound[name] for name in leading}
    ready = compiler.kernel(kernel, tuple(each.dtype.name for each in args if isinstance(each, np.ndarray)), **bound)
    if _numba.CUDA != "sim":
        _launch_compiled(ready, grid, block, args, call)
        return
    try:
        ready.launch(grid, block, *args)
    except BarrierError as error:
        copies = [each.copy() if isinstance(each, np.ndarray) else each for each in args]
        found = _traced(ready, grid, block, copies)  # says more
        raise CheckFailed(call, note=next((each.message for each in found if each.kind == "divergent barrier"),
                                          str(error))) from None
    except IndexError as error:
        raise CheckFailed(call, note=f"{_where(error)}{error}. On a GPU, nobody would notice, and other memory would "
                                     "be read or overwritten.").with_traceback(error.__traceback__) from None


def _launch_compiled(ready, grid, block, args, call):
    copies = [each.copy() if isinstance(each, np.ndarray) else each for each in args]
    for problem in _traced(ready, grid, block, copies):
        if problem.kind in DEADLY:
            raise CheckFailed(call, note=problem.message)
    cuda = _numba.numba_cuda
    moved = [cuda.to_device(np.ascontiguousarray(each)) if isinstance(each, np.ndarray) else each for each in args]
    ready.launch(grid, block, *moved)
    for array, memory in zip(args, moved):
        if isinstance(array, np.ndarray):
            array[...] = memory.copy_to_host()


def _traced(ready, grid, block, args):
    """The problems that the tracer finds, what explains most first."""
    return trace_kernel(ready.loop, grid, block, *ready.bound.values(), *args, out=(), fresh=False).problems


def written_out(function, meant):
    """A sentence about a number in a function's code that should be a name, or "". meant: {number: name}."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):  # no source to look at
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in meant:
            return f" The kernel says {node.value}: that has to be {meant[node.value]}."
    return ""


def few_threads(threads, most):
    """What to say of shared memory that nobody has written, where a block has fewer threads than BLOCK, `most`."""
    return "" if threads >= most else (
        f"The block has {count(threads, 'thread')} here, and BLOCK is {most}: only the first cuda.blockDim.x places "
        "are written. So the tree begins with half of the threads, cuda.blockDim.x // 2.")


def _where(error):
    """ "In thread 3 of block 0, ", which the simulator has noted."""
    return "".join(f"{note.rstrip('.')}, " for note in getattr(error, "__notes__", ()) if note.startswith("In thread"))


def described(grid, block):
    """ "2 blocks of 4 threads". """
    return f"{count(grid, 'block')} of {count(block, 'thread')}"


def threads(grid, block):
    """All threads of a grid of one dimension, as pairs (block, thread), in the order of `cuda.grid(1)`."""
    return [(Dim3(b, 0, 0), Dim3(t, 0, 0)) for b in range(grid) for t in range(block)]
