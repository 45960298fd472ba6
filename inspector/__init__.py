"""
The inspector: what is in a store, and what happens in it now.

In this room: `model` (pure: what is shown, as values), `sources` (Trio: a store's files, or a
gateway), `widgets` and `screens` (Textual: how it looks), `bridge` (the one module that knows
both), and `app`, which puts them together. `atomic_store` knows nothing of all this.
"""
