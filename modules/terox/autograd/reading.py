"""Reading: PyTorch's engine, now that you have built one.

The engine's own code, `torch/csrc/autograd/engine.cpp`, is not part of an installed torch; its headers are,
and they have all its data structures. `make read MODULE=1` shows where each place is.
"""

from __future__ import annotations


def answers() -> dict[str, str]:
    """For each letter, the name that PyTorch 2.13.0 uses, as a string: `{"a": "...", "b": "...", ...}`.

    A name alone is enough: `"keep_graph_"` for `GraphTask::keep_graph_`.

    a. `ctx.save_for_backward(x)` does one thing only: it puts its arguments into an attribute of `ctx`,
       where the C++ code finds them when `forward` has returned. What is that attribute called?
       In torch/autograd/function.py, FunctionCtx.save_for_backward.
    b. `loss.backward()` and `torch.autograd.grad(...)` check their arguments, and then both call the same
       Python function, the last one before the C++ engine. Which?
       In torch/autograd/__init__.py, backward.
    c. Before it starts, your engine counts for each node the edges that lead into it. In which member of
       GraphTask does PyTorch keep these counts?
       In torch/csrc/autograd/graph_task.h, GraphTask.
    d. A node got a gradient over one edge and waits for those of its other edges. In which member of
       GraphTask is the sum so far kept, for each such node?
       In torch/csrc/autograd/graph_task.h, GraphTask.
    e. Of the nodes that are ready, any may run next; yours come in the order of some queue. PyTorch's queue
       is sorted. Two nodes of the same backward pass: which method of Node is called to compare them?
       In torch/csrc/autograd/engine.h, ReadyQueue.
    f. A node that saved its own output keeps it without its history, since the two would keep each other
       alive; on unpacking, the node has to be attached again. Which parameter of `unpack` hands it in?
       In torch/csrc/autograd/saved_variable.h, SavedVariable.
    """
    # TODO 1.R: read each place, then answer with the name.

    raise NotImplementedError("Task 1.R: answers")


# End of the file.
