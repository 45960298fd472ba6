"""What campaigns against a gateway need: its process, bad networks, clients, and the judge."""
