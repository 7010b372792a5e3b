"""sources.yaml: its schema, and how it is read."""
