"""The consumer's tables inside CAJA; `consumer` lists the files."""
