"""Reading: PyTorch's kernels for the GPU, now that you have written your own.

Kernels are templates in `.cuh` files, which come with every torch, also with one that knows no GPU. What launches them
stands in `.cu` files, on the web. `make read MODULE=4` shows where each place is.
"""

from __future__ import annotations


def answers() -> dict[str, str]:
    """For each letter, the name that PyTorch 2.13.0 uses, as a string: `{"a": "...", "b": "...", ...}`.

    A name alone is enough: `"ReduceConfig"` for `at::native::ReduceConfig`.

    a. Your `map_kernel` goes on in steps of all threads together. PyTorch has a macro for that loop, and it counts
       twice: in `i`, of the type that was asked for, and in a variable of 64 bits, because the last step of a
       narrower one could overflow and begin again. What is that second variable called?
       In aten/src/ATen/cuda/detail/KernelUtils.h, CUDA_KERNEL_LOOP_TYPE.
    b. Your `offset` divides by a size for each dimension, and a GPU has no instruction for dividing whole numbers.
       PyTorch keeps each size as an object that has worked out, before the kernel runs, a multiplication and a shift
       that give the same. What is the type of these objects called?
       In aten/src/ATen/cuda/detail/OffsetCalculator.cuh, OffsetCalculator.
    c. Your kernels compare a number with the number of elements. In PyTorch one function computes for all elementwise
       kernels, and leaves it to a `policy` to know where operands lie, and which elements there are. Which method
       does it ask before it computes an element?
       In aten/src/ATen/native/cuda/Loops.cuh, elementwise_kernel_helper.
    d. Your kernel finds the place of every element by `offset`. If all operands are contiguous, PyTorch needs no
       offsets, and each thread gets several neighbors with one instruction. Which function starts that kernel?
       In aten/src/ATen/native/cuda/CUDALoops.cuh, gpu_kernel_impl_nocast.
    e. Your `block_fold` halves the values in shared memory until one is left. PyTorch's goes on in another way when
       no more than a warp has values: a thread reads the register of another one, without memory and without a
       barrier. Which function of `ops` does that?
       In aten/src/ATen/native/cuda/Reduce.cuh, block_x_reduce.
    f. Where several blocks share a result, you launch a second kernel, which folds the parts. PyTorch does without:
       whichever block is done last folds the parts of all. Which function tells a block whether it is that one?
       In aten/src/ATen/native/cuda/Reduce.cuh, global_reduce.
    g. Here each warp folds its own values, and only then do the warps use shared memory: one thread of each writes
       what its warp has come to. Which variable is 0 for the thread that writes?
       In aten/src/ATen/native/cuda/block_reduce.cuh, BlockReduceSum.
    h. After your `block_join` every thread has the result. In PyTorch's softmax of short rows, a warp has a row, and no
       shared memory is needed for that: each thread exchanges numbers with a partner, then with another one, until
       all have the same. Which instruction exchanges them? (The one of e leaves the result with one thread only.)
       In aten/src/ATen/native/cuda/PersistentSoftmax.cuh, warp_reduce.
    i. Terox's allocator (`allocator.py`) hands memory on as soon as it is given back, also if a kernel still uses it:
       the next kernel waits in the same queue. PyTorch has many such queues, *streams*, and a block belongs to one. A
       tensor that a kernel of another one uses would be handed on too early, and so the allocator has to be told.
       By which function?
       In c10/cuda/CUDACachingAllocator.h, CUDAAllocator.
    """
    # TODO 4.R: read each place, then answer with the name.

    raise NotImplementedError("Task 4.R: answers")


# End of the file.
