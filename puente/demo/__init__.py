"""A SAE like those in the field, what happens to it, and what must then stand in CAJA.

`retail` fills it (words, catalogues, products, customers), `edits` changes it, `compare` says where a CAJA is not as it must be.
"""
