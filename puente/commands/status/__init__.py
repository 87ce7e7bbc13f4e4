"""`puente status`: what works, how far each CAJA is, what does not go in and why. Reads only.

model.py     what is told: of the producer, and of each CAJA its state in one word
look.py      asks the log, and every CAJA at the same time
judge.py     what the answers mean; pure
document.py  the same for machines, as status.schema.json describes it
"""

from puente.commands.status.look import status

__all__ = ["status"]
