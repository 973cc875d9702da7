"""Reading: PyTorch's layers, what is below them, and the whole way of `a @ b`, now that you have written your own.

Questions a to g are about conv nets, h to j about the capstone: `a @ b` and its backward in both code bases, step by
step. The handout has the table. `make read MODULE=5` shows where each place is.
"""

from __future__ import annotations


def answers() -> dict[str, str]:
    """For each letter, the name that PyTorch 2.13.0 uses, as a string: `{"a": "...", "b": "...", ...}`.

    A name alone is enough: `"_ConvNd"` for `torch.nn.modules.conv._ConvNd`.

    a. Around the input of your `Conv2d` stand zeros, and `F.conv2d` sees to it. PyTorch's layer can also go on with
       what a mirror would show (`"reflect"`), or begin again on the other side (`"circular"`). For these, it makes a
       larger input first. Which attribute says how many elements to add on each side?
       In torch/nn/modules/conv.py, Conv2d._conv_forward.
    b. Your fan_in is the number of elements of one part of the weight. PyTorch multiplies two numbers: how many maps
       come in, and how many elements a kernel has in each of them. What is the second one called?
       In torch/nn/init.py, _calculate_fan_in_and_fan_out.
    c. You wrote `conv2d_input` and `conv2d_weight`. PyTorch has functions of the same names, but only so that one can
       ask for one gradient. Both call the same op, which computes all gradients, and tell it by three booleans which
       ones are wanted. What is that op called?
       In torch/nn/grad.py, conv2d_weight.
    d. In your `unfold_range`, each row finds its plane, i and j by dividing. PyTorch divides only for the first row
       of a chunk; from then on it counts, as an odometer does. Which function goes on by one?
       In aten/src/ATen/native/im2col.h, im2col.
    e. Your max-pooling gives the maxima and where they stand; `F.max_pool2d` mostly gives the maxima alone, and both
       only if it is asked to. It is made of two functions. Which function makes one of them?
       In torch/nn/functional.py, max_pool2d.
    f. Your `batch_norm` takes the statistics of the batch in training, and the running ones else. PyTorch's layer can
       do without running ones, and then it takes those of the batch in eval, too. In which variable does it keep what
       it has decided?
       In torch/nn/modules/batchnorm.py, _BatchNorm.forward.
    g. Your op `convolution` has one kernel for each device, and the dispatcher finds it. PyTorch's dispatcher finds a
       kernel for all devices, which then chooses once more, by sizes, strides, dtype and libraries at hand, among two
       dozen: your unfold and product are among them, as `Slow2d`. Which function returns the choice?
       In aten/src/ATen/native/ConvUtils.h, ConvBackend.
    h. Capstone, forward. Terox's `mm` makes an empty result, and the basic kernel of the device writes into it. In
       PyTorch, too, `mm` leaves the work to a form of itself that is given the result. Which function is the kernel
       of that form for a CPU?
       In aten/src/ATen/native/native_functions.yaml, mm.out.
    i. Capstone, backward. Your derivative of `mm` has two formulas, one product each. In PyTorch's table stand two
       calls instead, because the gradient shall lie in memory as its input does. Which function is called for the
       right-hand factor?
       In tools/autograd/derivatives.yaml, mm.
    j. Capstone, the end. A gradient has come to the leaf, whose `grad` is still None. If nobody else has that tensor,
       it becomes the `grad` as it is; else it is copied. Which function is asked whether it may be taken?
       In torch/csrc/autograd/functions/accumulate_grad.h, accumulateGrad.
    """
    # TODO 5.R: read each place, then answer with the name.

    raise NotImplementedError("Task 5.R: answers")


# End of the file.
