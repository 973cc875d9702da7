"""Grades submissions: each task over the reference for all others, in a sandbox, with the verdict on the parent's side.

`docs/grading.md` says how it works and what it protects against.
"""
