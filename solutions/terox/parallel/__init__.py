"""Module 3: the device "cpu". The loops of module 2, compiled, blocked, fused, on all cores.

In PyTorch: `aten/src/ATen/native/cpu`, `aten/src/ATen/Parallel.h`.
"""
