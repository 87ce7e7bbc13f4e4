"""SAE and the reference CAJA as empty databases, built from the vendor's column lists beside this file.

`columns` reads the lists, `sae` and `caja` create the tables and the few rows without which neither program starts.
"""

from puente.reference.caja import Store, build_caja
from puente.reference.sae import build_sae, suffix

__all__ = ["Store", "build_caja", "build_sae", "suffix"]
