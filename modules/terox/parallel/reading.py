"""Reading: PyTorch's kernels for the CPU, now that you have built your own.

Installed with torch come the headers and the Python files, but no `.cpp` file. Most loops of the CPU are templates, and
templates stand in headers. `make read MODULE=3` shows where each place is.
"""

from __future__ import annotations


def answers() -> dict[str, str]:
    """For each letter, the name that PyTorch 2.13.0 uses, as a string: `{"a": "...", "b": "...", ...}`.

    A name alone is enough: `"VectorizedLoop2d"` for `at::native::VectorizedLoop2d`.

    a. Your `zip_row` has a fast loop for steps of 1 and a slow one for all else, such as one number for the whole
       row. PyTorch's fast loop allows one such operand, the one that the argument `S` counts to. It puts the number
       into all lanes of a vector, once, before the loop. What is that vector called?
       In aten/src/ATen/native/cpu/Loops.h, vectorized_loop.
    b. Your `launch` stays on one core where the work is small. PyTorch's `parallel_for` asks more: a loop that is
       already one of many chunks is not spread over the cores once more. Which function does it ask?
       In aten/src/ATen/Parallel-inl.h, parallel_for.
    c. Your chunks have `grain` units, however many threads there are. With OpenMP, PyTorch cuts anew for each number
       of threads: every thread gets one chunk, and the grain size only keeps their number down. Which variable
       says how many units each thread gets?
       In aten/src/ATen/ParallelOpenMP.h, invoke_parallel.
    d. Your `fold_row` has LANES values side by side, so that no addition waits for the one before it. PyTorch's has
       an array of four vectors. What is the array called?
       In aten/src/ATen/native/cpu/Reduce.h, vectorized_reduction.
    e. Your `partial_range` has a place for each block of a long row, so that no two cores write to the same one.
       PyTorch's reduction with `ops` has a place for each thread. Which function does a chunk call to find its own?
       In aten/src/ATen/native/cpu/Reduce.h, binary_kernel_reduce.
    f. Your `matmul_range` takes two strides for a matrix. BLAS takes one of them, such as `lda`, since the other has
       to be 1; which of the two is 1, another parameter says. What is that parameter called, for the matrix `a`?
       In aten/src/ATen/native/CPUBlas.h, gemm.
    g. In your `softmax_row`, one loop computes exp and its sum. PyTorch's fused log-softmax has no such loop in
       sight: it hands small functions of vectors to functions of `vec`. Which of these does the work of your loop?
       In aten/src/ATen/native/cpu/LogSoftmaxKernelImpl.h, serial_vec_log_softmax_lastdim_range.
    h. Your loops were copied into a file that is named by the hash of its text (`terox/parallel/compiler.py`).
       `torch.compile` does that with the kernels that it generates. Two processes may do it at the same time, so one
       function fills a file under another name first, and renames it. Which?
       In torch/_inductor/codecache.py, write.
    """
    # TODO 3.R: read each place, then answer with the name.

    raise NotImplementedError("Task 3.R: answers")


# End of the file.
