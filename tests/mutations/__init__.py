"""
Each rule broken once in the code, and the case that must notice it.

`python -m tests.mutations` breaks one rule after the other in a copy of the tree, runs the
case that is written down for it, and says whether that failed. In this room: the
mutations as data (`rooms/`), copies of the tree, running cases, verdicts, and the table.
"""
