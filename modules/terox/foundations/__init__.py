"""Module 0, Foundations: scalar operators, higher-order functions, properties, and the tree of modules.

Its handout is the README.md beside this file.
"""
