"""The parts that screens are made of. They know Textual and the model, and no Trio."""
