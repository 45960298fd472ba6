"""How large a filter may be: one that comes from a stranger must not stall a server."""

from __future__ import annotations

from typing import Final

TEXT_BYTES_MAX: Final = 4096
"""How long a filter's text may be in UTF-8, as it is given and as `Filter.text` writes it."""

TERMS_MAX: Final = 64
"""How many terms there may be; each value in a list counts as one."""

BRACKETS_MAX: Final = 32
"""How many brackets may lie in one another."""
