"""
What takes too long for every run: each module has a `main()` that prints its figures.

In this room: searches that go through all there is, where the tests go through some.
"""
