"""Kernels under constraints: whether steps grow by what is taken back."""
