"""Reading: PyTorch's tensors, broadcasting, derivatives and dispatcher, now that you have built all four.

Installed with torch come the headers, `native_functions.yaml` and `derivatives.yaml`, from which much of its C++ is
generated, but no `.cpp` file. `make read MODULE=2` shows where each place is.
"""

from __future__ import annotations


def answers() -> dict[str, str]:
    """For each letter, the name that PyTorch 2.13.0 uses, as a string: `{"a": "...", "b": "...", ...}`.

    A name alone is enough: `"storage_"` for `TensorImpl::storage_`.

    a. Your `is_contiguous` looks at sizes and strides whenever it is asked. PyTorch's TensorImpl keeps the
       answer, and finds it anew whenever sizes or strides have changed. Which method do all the setters call
       for that?
       In c10/core/TensorImpl.h, set_stride.
    b. Terox counts in-place writes in Storage: every tensor has a count, also one that requires no grad.
       PyTorch's counter hangs on TensorImpl, for the same reason. The note above VariableVersion names the
       struct in which such a tensor would have had none. Which?
       In c10/core/TensorImpl.h, VariableVersion.
    c. Your `elementwise` steps through every dimension. TensorIterator first makes one dimension out of
       neighboring ones wherever it can: a contiguous tensor, of any shape, becomes a single loop. Which method
       does that? The comment above the member `shape_` tells.
       In aten/src/ATen/TensorIterator.h, TensorIteratorBase.
    d. Where several elements are the maximum, `amax` shares the gradient out among them. Which function does
       it, in the formula of `amax`?
       In tools/autograd/derivatives.yaml, amax.
    e. The backward of `gather` is an operation of its own: it adds each gradient where the index points, also
       where it points twice. The backward of that operation is a `gather` again. So two entries of the file
       have the formula `grad.gather(dim, index)`; one of their operations adds, the other overwrites. What is
       the one that adds called?
       In tools/autograd/derivatives.yaml, gather.
    f. Your formulas leave broadcasting to `sum_to`, which is called in one place for all. So do PyTorch's: the
       engine holds each gradient against the InputMetadata of the node that it is sent to. One method asks
       whether the gradient has to be reduced. What is the method called that then reduces it?
       In torch/csrc/autograd/input_metadata.h, InputMetadata.
    g. Your `cross_entropy` has no derivative of its own: it is made of other operations, and they record
       themselves. PyTorch's has no entry in derivatives.yaml either, and one kernel for all devices. Under which
       dispatch key does that kernel stand?
       In aten/src/ATen/native/native_functions.yaml, cross_entropy_loss.
    h. PyTorch has an OperatorEntry for each operation. Two of its members know kernels: one has all that were
       ever registered, the other is the small table that each call is looked up in. What is the small one
       called?
       In aten/src/ATen/core/dispatch/OperatorEntry.h, OperatorEntry.
    """
    # TODO 2.R: read each place, then answer with the name.

    raise NotImplementedError("Task 2.R: answers")


# End of the file.
