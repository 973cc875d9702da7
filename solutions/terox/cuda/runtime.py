"""Where kernels for the GPU run: on a GPU, or in the simulator. Provided."""

from __future__ import annotations

from terox import _numba

# Threads of a block, and the side of a tile. In the simulator a thread costs as much as a whole GPU does on a GPU.
BLOCK = 256 if _numba.CUDA == "gpu" else 8
TILE = 16 if _numba.CUDA == "gpu" else 4
