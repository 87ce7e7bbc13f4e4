"""One CAJA; `consumer` lists the files."""
