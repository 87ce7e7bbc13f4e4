"""One topic against CAJA's real rows; `consumer` lists the files."""
