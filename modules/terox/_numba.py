"""The one place that imports Numba. Provided.

JIT is False where NUMBA_DISABLE_JIT=1 is set: then nothing is compiled, every loop is the plain Python function that
stands in its file, and a debugger can stop in it. That is slow, and right for small tensors.

`cuda` is what kernels for the GPU import: Numba's, where there is a GPU, else Terox's simulator of the same names; see
_cuda_choice.py.

In PyTorch: `aten/src/ATen/Parallel.h` hides OpenMP and the native thread pool in the same way.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from terox import _cuda_choice

_cuda_choice.before_numba()

from llvmlite import binding, ir  # noqa: E402
from numba import __version__, carray, get_num_threads, njit, prange, set_num_threads, types  # noqa: E402
from numba.core import cgutils, config  # noqa: E402
from numba.core.errors import NumbaError  # noqa: E402
from numba.extending import intrinsic, models, register_jitable, register_model  # noqa: E402
from numba.np import arrayobj  # noqa: E402

__all__ = ["FLAGS", "JIT", "MOST_THREADS", "VECTOR", "VERSIONS", "NumbaError", "add_any_order", "add_product", "bits",
           "by_type", "carray", "entry", "from_bits", "get_num_threads", "inner", "load", "maximum", "njit", "pointer",
           "prange", "set_num_threads", "span", "spread", "store", "total", "types"]

JIT = not config.DISABLE_JIT

# error_model: 1 / 0 is inf, as in NumPy, and not an exception. contract: x * y + z may be one instruction, rounded
# once; nothing else of "fast math" is allowed, so sums keep their order and NaN its meaning.
FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}

MOST_THREADS: int = config.NUMBA_NUM_THREADS

# Bytes of the widest vector that this machine computes with. In PyTorch: `at::vec::Vectorized<T>::size()`.
_features = binding.get_host_cpu_features()
VECTOR = 64 if _features.get("avx512f") else 32 if _features.get("avx2") else 16

# What machine code depends on besides the functions themselves, this file among it. Each kernel's file says it.
VERSIONS = (f"Numba {__version__}, {FLAGS['error_model']}, {sorted(FLAGS['fastmath'])}, optimized {config.OPT}, "
            f"bounds checked {config.BOUNDSCHECK}, "
            f"terox/_numba.py {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:20]}")

# How generated code marks its functions. Inner ones become part of the entry that calls them, and only entries are kept
# on disk. Inner functions can be passed as arguments; a compiled function passed that way could not be kept.
inner = register_jitable(**FLAGS) if JIT else lambda function: function
entry = functools.partial(njit, cache=True, **FLAGS)


# ---- What Python cannot say, and one instruction does. Each has a Python form, for NUMBA_DISABLE_JIT=1. ----


def pointer(address: Any) -> Any:
    """The memory that begins at an address, for `carray`. Only in compiled code."""
    raise NotImplementedError("pointer has no Python form")


def bits(x: Any) -> Any:
    """The bits of a float32 or float64 number as a whole number of the same width."""
    return x.view(np.int32) if isinstance(x, np.float32) else np.float64(x).view(np.int64)


def from_bits(n: Any) -> Any:
    """And back: a float32 from an int32, a float64 from an int64."""
    return n.view(np.float32) if isinstance(n, np.int32) else np.int64(n).view(np.float64)


def by_type(x: Any, for_float32: Any, for_float64: Any) -> Any:
    """One of two functions, by the type of a number; decided when the code is compiled."""
    return for_float32 if isinstance(x, np.float32) else for_float64


def add_any_order(x: Any, y: Any) -> Any:
    """`x + y` for floats, where the compiler may change the order: a loop of them becomes several sums side by side."""
    return x + y


def maximum(x: Any, y: Any) -> Any:
    """The larger of two floats, NaN if either is; one instruction, where `if` would keep a loop from using vectors."""
    if x == 0 and y == 0:
        return x + y  # -0.0 only if both are
    return x if x > y or x != x else y


def span(a: Any, start: int, n: int) -> Any:
    """`a[start : start + n]` for a flat array, faster: whether that lies inside is not asked, and no reference counted,
    so `a` has to be an argument, which the caller keeps."""
    return a[start : start + n]


# Vectors, of VECTOR bytes, for loops that the compiler does not turn into such by itself. Whether they lie inside of an
# array is not asked. In PyTorch: `aten/src/ATen/cpu/vec/vec_base.h`.


def load(a: Any, i: int) -> Any:
    """The vector that begins at a[i]."""
    return a[i : i + VECTOR // a.itemsize].copy()


def store(a: Any, i: int, v: Any) -> None:
    """Write a vector to a[i] and behind."""
    a[i : i + len(v)] = v[: len(a) - i]


def spread(x: Any) -> Any:
    """A vector of the same number everywhere."""
    return np.full(VECTOR // x.itemsize, x)


def add_product(s: Any, v: Any, w: Any) -> Any:
    """`s + v * w` for vectors, rounded once."""
    return s + v * w


def total(v: Any) -> Any:
    """The sum of a vector's numbers, in any order."""
    return v.sum(dtype=v.dtype)


if JIT:

    class _Both(type(intrinsic(lambda typing_context: None))):  # type: ignore[misc]
        """An instruction in compiled code; where Python calls it, the function above."""

        def __call__(self, *args: Any) -> Any:
            return self.python_form(*args)

    def _compiled_as(define: Any) -> Any:
        made = intrinsic(define)
        made.__class__, made.python_form = _Both, globals()[define.__name__]
        return made

    @_compiled_as
    def pointer(typing_context, address):  # noqa: F811
        def generate(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], cgutils.voidptr_t)

        return types.voidptr(types.int64), generate

    @_compiled_as
    def bits(typing_context, x):  # noqa: F811
        kind, result = (types.float32, types.int32) if x == types.float32 else (types.float64, types.int64)

        def generate(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], context.get_value_type(result))

        return result(kind), generate

    @_compiled_as
    def from_bits(typing_context, n):  # noqa: F811
        kind, result = (types.int32, types.float32) if n == types.int32 else (types.int64, types.float64)

        def generate(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], context.get_value_type(result))

        return result(kind), generate

    @_compiled_as
    def by_type(typing_context, x, for_float32, for_float64):  # noqa: F811
        first = x == types.float32

        def generate(context, builder, signature, arguments):
            return arguments[1] if first else arguments[2]

        return (for_float32 if first else for_float64)(x, for_float32, for_float64), generate

    @_compiled_as
    def add_any_order(typing_context, x, y):  # noqa: F811
        kind = typing_context.unify_types(x, y)

        def generate(context, builder, signature, arguments):
            return builder.fadd(*arguments, flags=["reassoc", "nsz", "contract"])

        return kind(kind, kind), generate

    @_compiled_as
    def maximum(typing_context, x, y):  # noqa: F811
        kind = typing_context.unify_types(x, y)

        def generate(context, builder, signature, arguments):
            number = context.get_value_type(kind)
            function = builder.module.declare_intrinsic("llvm.maximum", (number,),
                                                        ir.FunctionType(number, [number, number]))
            return builder.call(function, arguments)

        return kind(kind, kind), generate

    @_compiled_as
    def span(typing_context, a, start, n):  # noqa: F811
        kind = types.Array(a.dtype, 1, "C", readonly=not a.mutable)

        def generate(context, builder, signature, arguments):
            whole, part = (arrayobj.make_array(each)(context, builder, *value)
                           for each, value in ((signature.args[0], arguments[:1]), (kind, ())))
            itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(a.dtype)))
            arrayobj.populate_array(part, builder.gep(whole.data, [arguments[1]]), [arguments[2]], [itemsize], itemsize,
                                    None)
            return part._getvalue()

        return kind(a, types.int64, types.int64), generate

    class _Vector(types.Type):
        """A vector of numbers of one type."""

        def __init__(self, dtype: Any) -> None:
            super().__init__(f"vector of {dtype}")
            self.dtype, self.lanes = dtype, VECTOR * 8 // dtype.bitwidth

    @register_model(_Vector)
    class _VectorModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.dtype).get_value_type(), kind.lanes))

    def _place(context: Any, builder: Any, kind: Any, array: Any, i: Any, vector: Any) -> Any:
        data = builder.gep(arrayobj.make_array(kind)(context, builder, array).data, [i])
        return builder.bitcast(data, context.get_value_type(vector).as_pointer())

    @_compiled_as
    def load(typing_context, a, i):  # noqa: F811
        kind = _Vector(a.dtype)

        def generate(context, builder, signature, arguments):
            return builder.load(_place(context, builder, a, *arguments, kind), align=a.dtype.bitwidth // 8)

        return kind(a, types.int64), generate

    @_compiled_as
    def store(typing_context, a, i, v):  # noqa: F811
        def generate(context, builder, signature, arguments):
            builder.store(arguments[2], _place(context, builder, a, *arguments[:2], v), align=a.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return types.void(a, types.int64, v), generate

    @_compiled_as
    def spread(typing_context, x):  # noqa: F811
        kind = _Vector(x)

        def generate(context, builder, signature, arguments):
            empty = ir.Constant(context.get_value_type(kind), ir.Undefined)
            first = builder.insert_element(empty, arguments[0], ir.Constant(ir.IntType(32), 0))
            return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), kind.lanes), None))

        return kind(x), generate

    @_compiled_as
    def add_product(typing_context, s, v, w):  # noqa: F811
        def generate(context, builder, signature, arguments):
            product = builder.fmul(*arguments[1:], flags=["contract"])
            return builder.fadd(arguments[0], product, flags=["contract"])

        return s(s, v, w), generate

    @_compiled_as
    def total(typing_context, v):  # noqa: F811
        def generate(context, builder, signature, arguments):
            vector, width = arguments[0], v.lanes
            while width > 1:
                width //= 2
                halves = [ir.Constant(ir.VectorType(ir.IntType(32), width), [first + i for i in range(width)])
                          for first in (0, width)]
                vector = builder.fadd(*[builder.shuffle_vector(vector, vector, half) for half in halves])
            return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))

        return v.dtype(v), generate


# ---- CUDA. Nothing here is done before it is asked for. ----


def __getattr__(name: str) -> Any:
    """CUDA: "gpu", "sim" or "numba"; GPU: what is known of the device, or None; cuda: what kernels import."""
    if name in globals():
        return globals()[name]
    if name in ("CUDA", "GPU"):
        globals()["CUDA"], globals()["GPU"] = _cuda_choice.choose()
    elif name == "cuda":
        globals()[name] = _simulator() if __getattr__("CUDA") == "sim" else __getattr__("numba_cuda")
    elif name == "numba_cuda":
        globals()[name] = _numba_cuda()
    else:
        raise AttributeError(f"module 'terox._numba' has no attribute {name!r}")
    return globals()[name]


def _simulator() -> Any:
    from terox.cuda.simulator import Simulator

    return Simulator()


def _numba_cuda() -> Any:
    """The module `numba.cuda`: that of the package numba-cuda, if it is installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from numba import cuda

    if __getattr__("CUDA") == "numba" and "simulator" not in cuda.jit.__module__:
        raise RuntimeError("TEROX_CUDA is 'numba', but Numba was imported before Terox, and does not simulate. Set the "
                           "environment variable NUMBA_ENABLE_CUDASIM to 1 as well.")
    return cuda


def cuda_versions() -> str:
    """What the machine code of a kernel depends on besides its functions."""
    try:
        package = importlib.metadata.version("numba-cuda")
    except importlib.metadata.PackageNotFoundError:
        package = "none"
    return (f"Numba {__version__}, numba-cuda {package}, "
            f"terox/_numba.py {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:20]}")


def cuda_inner(function: Any) -> Any:
    """How a generated file marks what its kernel calls."""
    cuda = __getattr__("numba_cuda")
    return function if __getattr__("CUDA") == "numba" else cuda.jit(device=True)(function)


def cuda_entry(function: Any) -> Any:
    """And the kernel itself, which is kept on disk."""
    cuda = __getattr__("numba_cuda")
    return cuda.jit(function) if __getattr__("CUDA") == "numba" else cuda.jit(cache=True)(function)


def cuda_memory(array: np.ndarray) -> Any:
    """For Numba's simulator: NumPy's memory as the GPU's. An array as it is would be copied, there and back."""
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    return FakeCUDAArray(array)


def is_compile_error(error: Exception) -> bool:
    """Whether an error comes from a compiler that does not accept a kernel; numba-cuda's are of Numba's class."""
    return isinstance(error, NumbaError)
