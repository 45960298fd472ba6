"""The inspector's screens, one a module. They know Textual and the model, and no Trio."""
