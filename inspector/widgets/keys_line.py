"""The line below with the keys that do something now."""

from __future__ import annotations

from textual.screen import Screen
from textual.widgets import Footer


class KeysLine(Footer):
    """
    Textual's footer, made anew only if it would show something else.

    Each time that a screen comes or the cursor goes elsewhere Textual asks for a new one several
    times over, which takes longer than to draw all the rest.
    """

    _shown: tuple[tuple[object, ...], ...] = ()

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Show other keys, if there are others."""
        if screen is not self.screen or not screen.app.app_focus:
            # It does not look now, and is told again when it does.
            super().bindings_changed(screen)
            return
        shown = tuple(
            (binding.key, binding.description, binding.action, is_enabled)
            for _, binding, is_enabled, _ in screen.active_bindings.values()
            if binding.show
        )
        if shown != self._shown:
            self._shown = shown
            super().bindings_changed(screen)
