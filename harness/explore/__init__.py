"""Every schedule of a small bench: scenarios, the world that runs one, strategies, checks, findings."""
