"""What is meant by a setting's name or value that is written in Spanish, or with a slip of the finger."""

from collections.abc import Collection
from difflib import get_close_matches

_NAMES = {
    "almacen": "warehouse",
    "almacén": "warehouse",
    "archivo": "path",
    "bitacora": "log",
    "bitácora": "log",
    "cajas": "caja",
    "captura": "capture",
    "catalogos": "entities",
    "catálogos": "entities",
    "certificado": "certificate",
    "clave": "password",
    "compania": "company",
    "compañia": "company",
    "compañía": "company",
    "contrasena": "password",
    "contraseña": "password",
    "direccion": "url",
    "dirección": "url",
    "empresa": "company",
    "entidades": "entities",
    "existencias": "stock",
    "interfaz": "interface_required",
    "inventario": "stock",
    "llave": "key",
    "nombre": "name",
    "numero": "number",
    "número": "number",
    "perfil": "profile",
    "precios": "prices",
    "prefijo": "prefix",
    "registro": "log",
    "ruta": "path",
    "segundos": "poll_seconds",
    "servidor": "bootstrap_servers",
    "servidores": "bootstrap_servers",
    "tienda": "store",
    "tiendas": "stores",
    "tipo": "kind",
    "usuario": "username",
}
_VALUES = {
    "archivo": "embedded",
    "file": "embedded",
    "baja": "inactivate",
    "clientes": "customer",
    "cliente": "customer",
    "comparar": "compare",
    "esquemas": "tax_scheme",
    "inactivar": "inactivate",
    "ignorar": "ignore",
    "impuestos": "tax_scheme",
    "linea": "product_line",
    "lineas": "product_line",
    "línea": "product_line",
    "líneas": "product_line",
    "moneda": "currency",
    "monedas": "currency",
    "no": "off",
    "producto": "product",
    "productos": "product",
    "sobrescribir": "overwrite",
    "todas": "all",
}


def meant(name: str, known: Collection[str] | None = None) -> str | None:
    """The setting, of those that are known here; of all that a Spanish word stands for unless some are given."""
    word = name.strip().lower()
    spanish = _NAMES.get(word)
    if known is None:
        return spanish
    return spanish if spanish in known else _close(word, known)


def meant_value(value: str, choices: Collection[str]) -> str | None:
    word = value.strip().lower()
    return _VALUES[word] if _VALUES.get(word) in choices else _close(word, choices)


def _close(word: str, known: Collection[str]) -> str | None:
    lower = {each.lower(): each for each in known}
    found = get_close_matches(word, lower, n=1, cutoff=0.7)
    return lower[found[0]] if found else None
