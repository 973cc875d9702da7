"""Module 2, Tensors: memory with sizes and strides, kernels, the dispatcher, and gradients.

Its handout is the README.md beside this file. In PyTorch: `c10/core/`, `aten/src/ATen/`.
"""
