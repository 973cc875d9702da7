"""Reading: `torch/nn/modules/module.py` and `torch/nn/parameter.py`, now that you have built both.

`make read MODULE=0` shows where each place is, in your installed torch or on the web.
"""

from __future__ import annotations


def answers() -> dict[str, str]:
    """For each letter, the name that PyTorch 2.13.0 uses, as a string: `{"a": "...", "b": "...", ...}`.

    A name alone is enough: `"add_module"` for `torch.nn.Module.add_module()`.

    a. A Parameter or module that is assigned takes its name away from wherever else it stood, so that
       nothing shadows it. You wrote this in `__setattr__`. PyTorch has a small function for it, defined
       inside `__setattr__`. What is it called?
       In torch/nn/modules/module.py, Module.__setattr__.
    b. `named_parameters` and `named_buffers` differ only in the dict that they read, so PyTorch has one
       helper for both. Yours yields a shared parameter once; PyTorch can be told to yield it under each of
       its names. By which argument?
       In torch/nn/modules/module.py, Module._named_members.
    c. `model(x)` runs the hooks, and `forward` between them; you found that in `Module.__call__`. PyTorch's
       `__call__` only passes the call on. Which method has the hooks and the call of `forward` in its body?
       In torch/nn/modules/module.py, Module.__call__.
    d. `state_dict` walks the tree. Which method does it call on each module, to put that module's own
       parameters and persistent buffers into the dict?
       In torch/nn/modules/module.py, Module.state_dict.
    e. `model.double()`, `model.cuda()` and `model.to(...)` change every parameter and buffer of the tree.
       They all call one method that walks it. Which?
       In torch/nn/modules/module.py, Module.double.
    f. Your `Parameter(value)` marks the value and leaves its class as it is. PyTorch does so for custom
       tensors only. Which method of Tensor does it call to turn an ordinary tensor into an instance of
       `Parameter`?
       In torch/nn/parameter.py, Parameter.__new__.
    """
    # TODO 0.R: read each place, then answer with the name.

    raise NotImplementedError("Task 0.R: answers")


# End of the file.
