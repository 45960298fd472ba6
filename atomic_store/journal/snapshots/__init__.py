"""
Where a file journal keeps the states of folds, so that nobody need fold a long past again.

In this room: the lines of the snapshot log and the index of them, both pure; reading,
writing and compacting the log's file; the witness that it bears when a store is opened;
and the keeper, which puts them together for a journal. All of it is derived: without the
files nothing is lost but time. docs/design/0002-snapshots.md says why it is as it is.
"""
