"""
What the store costs, measured beside its peers.

`python -m tests.benchmarks` runs every row and prints one table. In this room: the
work that is measured, the peers it is measured against, the rows as data, and the
runner that interleaves them.
"""
