"""An empty SAE: all tables of one company, and the parameters that SAE cannot do without."""

from foundation.engines.database import Database
from foundation.errors import ConfigError
from foundation.texts import text
from puente.reference.columns import sae_metadata

VERSIONS = (8, 9)
TAX_NAMES = ("I.E.P.S.", "Ret. I.S.R.", "Ret. I.V.A.", "I.V.A.", "Imp. local", "Imp. 6", "Imp. 7", "Imp. 8")


def suffix(company: str) -> str:
    """The two digits that end the name of every table of a company; whatever else is refused."""
    if len(company) == 2 and company.isascii() and company.isdigit():
        return company
    raise ConfigError(text("A company of SAE is two digits, not {company}", company=repr(company)))


def build_sae(database: Database, company: str = "01", *, version: int = 9, multi_warehouse: bool = True) -> list[str]:
    """Creates the tables of SAE that are missing, with the narrower columns of version 8 where asked; returns their names."""
    if version not in VERSIONS:
        raise ConfigError(text("SAE's tables are known as of versions 8 and 9, not {version}", version=version))
    tables = sae_metadata(suffix(company), version)
    created = database.create_tables(tables)
    for name, row in _parameters(company, version, multi_warehouse).items():
        if name + company in created:
            with database.writing() as writer:
                writer.execute(tables.tables[name + company].insert(), [row])
    return created


def _parameters(company: str, version: int, multi_warehouse: bool) -> dict[str, dict[str, object]]:
    taxes = TAX_NAMES[: 4 if version == 8 else 8]
    return {
        "PARAM_DATOSBD": {"NUM_EMP": int(company), "DRIVER": "Firebird", "VERSIONBD": f"{version}.00"},
        "PARAM_DATOSEMP": {"NUM_EMP": int(company), "NOMBRE_EMPRESA": "EMPRESA DE PRUEBAS", "RFC": "XAXX010101000"},
        "PARAM_INVENTARIO": {
            "NUM_EMP": int(company),
            "CAMBIOEXISTENCIAS": "N",
            "MULTIALMACEN": "S" if multi_warehouse else "N",
            "NUMDECIMALES": 2,
            "ALMACENPREDETER": 1,
            **{f"NOMBREIMP{number}": name for number, name in enumerate(taxes, 1)},
        },
    }
