"""The log on one machine, in a SQLite file; log is the adapter, file opens it."""
