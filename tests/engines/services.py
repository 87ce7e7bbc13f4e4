"""The service manager of a server, or of the embedded engine in this process."""

from firebird.driver import Server, connect_server, driver_config

from tests.engines.firebird_server import PASSWORD, USER


def known_to_the_driver(host: str, port: int) -> str:
    """The driver connects to the services of a server that it has a configuration of, else to those of this process."""
    name = f"{host}-{port}"
    if driver_config.get_server(name) is None:
        configured = driver_config.register_server(name)
        configured.host.value, configured.port.value = host, str(port)
    return name


def services(server: str) -> Server:
    """By the name that the driver knows; empty for this process. It is closed by `with`."""
    return connect_server(server, user=USER, password=PASSWORD)
