"""SAE's rows and what becomes of them; `producer` lists the files."""
