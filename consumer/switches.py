"""What CAJA's own parameters say about writing to it."""

from consumer.caja.port import Switches
from consumer.policies import Policies
from foundation.errors import ConfigError, SwitchedOff
from foundation.texts import text


class InterfaceOff(SwitchedOff):
    """CAJA's SAE interface is off: nothing is written, nothing is lost."""


def is_off(switches: Switches, policies: Policies) -> bool:
    return policies.interface_required and not switches.interface


def check(switches: Switches, policies: Policies, caja: str) -> None:
    """Raises what forbids writing: `ConfigError`, `InterfaceOff`."""
    if switches.tax_included:
        raise ConfigError(
            text(
                "{caja} keeps its prices with taxes included; Puente cannot write such prices yet, and net ones would be wrong",
                caja=caja,
            )
        )
    if is_off(switches, policies):
        raise InterfaceOff(text("{caja}: its interface with SAE is off; switch it on in CAJA, nothing is lost meanwhile", caja=caja))
