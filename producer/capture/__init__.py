"""Which rows a pass looks at; `producer` lists the files."""
