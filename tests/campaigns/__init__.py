"""Long searches for a broken promise: each runs many cases, prints its figures, and has a control."""
