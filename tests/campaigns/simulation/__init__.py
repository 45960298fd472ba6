"""
The simulation: `python -m tests.campaigns.simulation --seed N`.

The whole store, on a disk in memory that fails and forgets, under a clock that jumps and a
seed that fixes the order of tasks. `flow` is what can happen, `generating` makes one of it
from a seed, `running` lets it happen (`living`, `calling`, `reading`, in a `world` that
repeats), the checker says whether it was right, `shrinking` makes a wrong one small.
"""
