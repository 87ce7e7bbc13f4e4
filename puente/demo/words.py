"""Words that a Mexican hardware and grocery shop's catalogue is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """The products of one line: how they are called, packed, taxed and priced. `scheme` is a key of `catalogues.SCHEMES`."""

    line: str
    name: str
    nouns: tuple[str, ...]
    details: tuple[str, ...]
    unit: str
    sat_product: str
    sat_unit: str
    prices: tuple[float, float]
    scheme: int = 1


def _family(line: str, name: str, nouns: str, details: str, packing: str, low: float, high: float, scheme: int = 1) -> Family:
    unit, sat_product, sat_unit = packing.split()
    return Family(line, name, tuple(nouns.split(", ")), tuple(details.split(", ")), unit, sat_product, sat_unit, (low, high), scheme)


FAMILIES = (
    _family("TORN", "Tornillería", "Tornillo hexagonal, Pija cónica, Tuerca de seguridad, Rondana plana, Taquete plástico, Armella",
            '1/4" × 1", 5/16" × 2", 3/8" × 3", M8 × 40, M10 × 60, n.º 12', "pz 31161500 H87", 0.35, 28.0),
    _family("HERR", "Herramienta manual", "Martillo de uña, Pinza de presión, Llave española, Desarmador de cruz, Flexómetro, Cúter",
            '16 oz, 10", 1/2", 3 m, 5 m, mango bimaterial', "pz 27111700 H87", 35.0, 620.0),
    _family("ELEC", "Material eléctrico", "Cable THW, Apagador sencillo, Contacto dúplex, Foco led, Chalupa, Interruptor termomagnético",
            "cal. 12, cal. 14, 9 W luz cálida, 15 A, blanco, 127 V", "pz 39121400 H87", 8.5, 980.0),
    _family("PLOM", "Plomería", "Codo galvanizado, Tubo CPVC, Llave de paso, Cespol, Manguera coflex, Cinta teflón",
            '1/2" 90°, 3/4" × 6 m, cromada, para lavabo, 40 cm, 3/4"', "pz 40142000 H87", 6.0, 410.0),
    _family("PINT", "Pinturas y solventes", "Pintura vinílica, Esmalte alquidálico, Impermeabilizante, Thinner estándar, Sellador 5 × 1",
            "blanco 19 L, ocre 4 L, rojo óxido 1 L, terracota 19 L, 960 mL", "cub 31211500 XBJ", 48.0, 2890.0),
    _family("CONS", "Construcción", "Cemento gris, Varilla corrugada, Malla electrosoldada, Pegazulejo, Yeso máximo, Alambre recocido",
            '50 kg, 3/8" × 12 m, 6 × 6 10/10, 20 kg blanco, 40 kg, kg', "bto 30111600 XBG", 22.0, 1650.0, 5),
    _family("CERR", "Cerrajería", "Candado de latón, Chapa de sobreponer, Bisagra, Pasador, Cilindro",
            '40 mm, derecha, 3" acero, 6", llave estándar', "pz 46171500 H87", 18.0, 1240.0),
    _family("JARD", "Jardín", "Manguera reforzada, Aspersor, Pala cuadrada, Rastrillo, Tijera para podar",
            '1/2" × 15 m, metálico, mango “Y”, 14 dientes, 8"', "pz 27112000 H87", 42.0, 870.0),
    _family("ABAR", "Abarrotes",
            "Café de olla, Azúcar estándar, Arroz súper extra, Frijol negro, Sal de grano, Aceite de cártamo, Piloncillo",
            "250 g, 1 kg, 900 g, 500 g, 5 kg, 946 mL", "pz 50201700 H87", 9.5, 215.0, 2),
    _family("ENLA", "Enlatados", "Chiles jalapeños en rajas, Atún en agua, Duraznos en almíbar, Puré de tomate, Champiñones",
            "220 g, 140 g, 820 g, 210 g, 186 g", "lta 50466300 H87", 11.0, 86.0, 2),
    _family("BEBI", "Bebidas", "Agua de jamaica, Refresco de toronja, Horchata, Jugo de guayaba, Agua mineral",
            "600 mL, 2 L, 355 mL, 1 L, 6 pack", "pz 50202300 H87", 9.0, 118.0, 4),
    _family("DULC", "Dulces y botanas",
            "Mazapán, Palanqueta, Cacahuate japonés, Obleas con cajeta, Chicharrón de harina, Tamarindo enchilado",
            "28 g, caja 30 pz, 200 g, bolsa 1 kg, 12 pz", "pz 50161800 H87", 3.0, 164.0, 4),
    _family("LIMP", "Limpieza", "Cloro, Detergente en polvo, Jabón de lavandería, Escoba de mijo, Jerga, Pino concentrado",
            "950 mL, 900 g, 400 g, 6 hilos, 50 × 70 cm, 5 L", "pz 47131800 H87", 7.5, 189.0),
    _family("PAPE", "Papelería", "Cuaderno profesional, Bolígrafo, Lápiz del n.º 2, Sacapuntas, Cartulina, Pegamento de barra",
            "100 h cuadro chico, azul, 12 pz, metálico, blanca, 20 g", "pz 44121700 H87", 2.5, 146.0),
    _family("LIBR", "Libros y revistas", "Almanaque, Recetario de la abuela, Cuento infantil, Mapa de la República",
            "2024, pasta dura, ilustrado, 90 × 60 cm", "pz 55101500 H87", 28.0, 385.0, 3),
    _family("SERV", "Servicios", "Igualado de pintura, Corte de vidrio, Duplicado de llave, Flete local, Afilado de cuchillo",
            "por litro, por m², por pieza, zona centro, urgente", "srv 81141600 E48", 15.0, 950.0),
)  # fmt: skip

GROUPS = (("GFERR", "Ferretería"), ("GABAR", "Abarrotes y hogar"), ("GOTRO", "Otros"))

BRANDS = ("La Sierra", "Titán", "El Águila", "Peña Nevada", "Azteca", "Güero", "Don Chuy", "Tres Ríos", "Ñandú", "Mayab")
QUOTED = ("“Oro”", "“El Niño”", "‘Súper’", "“Doña Lupe”")

FIRST_NAMES = ("María José", "Ángel", "Guadalupe", "Íñigo", "Sofía", "Raúl", "Verónica", "Jesús", "Begoña", "Martín", "Ximena", "Óscar")
LAST_NAMES = ("Hernández", "Muñoz", "Pérez", "Güemes", "Ibáñez", "Núñez", "López", "Rodríguez", "Cárdenas", "Zúñiga", "Treviño", "Ávila")
TRADES = ("Ferretería", "Abarrotes", "Materiales", "Tlapalería", "Constructora", "Miscelánea", "Distribuidora", "Refaccionaria")
TRADE_NAMES = ("El Ahorro", "La Esperanza", "San José", "del Bajío", "Peña y Hijos", "“La Güera”", "Ñuñoa", "del Pacífico", "Los Ángeles")
LONG_NAME = (
    "Comercializadora, Distribuidora e Importadora de Materiales para Construcción, Ferretería, Tlapalería y Artículos para el Hogar "
    "{name}, Sociedad Anónima Promotora de Inversión de Capital Variable"
)

STREETS = (
    "Av. Juárez",
    "Calle Río Pánuco",
    "Blvd. Díaz Ordaz",
    "Privada Álamos",
    "Camino Real a Colima",
    "Calz. Niños Héroes",
    "Calle 5 de Mayo",
)
QUARTERS = ("Centro", "Del Valle", "Santa María la Ribera", "Jardines de Tlaquepaque", "Colinas de San Ángel", "Peñón de los Baños", "")
PLACES = (
    ("Guadalajara", "Jalisco", "44"), ("León", "Guanajuato", "37"), ("Mérida", "Yucatán", "97"),
    ("Santiago de Querétaro", "Querétaro", "76"), ("San Nicolás de los Garza", "Nuevo León", "66"),
    ("Álvaro Obregón", "Ciudad de México", "01"), ("Cancún", "Quintana Roo", "77"),
)  # fmt: skip
