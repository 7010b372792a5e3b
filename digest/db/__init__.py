"""SQLite, the only memory: database.py opens it, the other modules are functions on a session."""
