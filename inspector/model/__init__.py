"""What the inspector shows, as values. Pure: no Trio, no Textual, no disk and no clock."""
