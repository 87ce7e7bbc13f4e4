"""How an event becomes a row; `consumer` lists the files."""
