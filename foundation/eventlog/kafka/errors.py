"""Kafka's errors → Puente's, by their kind."""

from kafka import errors
from kafka.errors import KafkaError

from foundation.errors import ConfigError, RetryableError
from foundation.eventlog.rights import Operation
from foundation.texts import text

TRANSIENT = (errors.RetriableError, errors.UnknownBrokerIdError)
"""What a moment's wait or another broker may mend."""

NO_CONNECTION = (errors.KafkaConnectionError, errors.NodeNotReadyError, errors.KafkaTimeoutError, errors.RequestTimedOutError)
SILENT = (errors.KafkaTimeoutError, errors.RequestTimedOutError)
"""What was waited for as long as it may be."""
_WRONG_USER = (errors.SaslAuthenticationFailedError, errors.UnsupportedSaslMechanismError, errors.IllegalSaslStateError)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)
_REFUSED = (
    errors.InvalidTopicError,
    errors.InvalidConfigurationError,
    errors.InvalidReplicationFactorError,
    errors.PolicyViolationError,
)


def translate(error: KafkaError, servers: str) -> ConfigError | RetryableError:
    """What a user reads; raise it `from` the error."""
    return _to_be_mended(error, servers) or _passing(error, servers)


def _to_be_mended(error: KafkaError, servers: str) -> ConfigError | None:
    """None where trying again may help."""
    match error:
        case _ if isinstance(error, _WRONG_USER):
            message = text("Kafka {servers} does not know the user name or the password of [log]", servers=servers)
        case errors.GroupAuthorizationFailedError(args=(name, Operation() as operation)):
            message = text(
                "Kafka {servers}: this user lacks {operation} on the group {name}; puente grants kafka prints the commands that give it",
                servers=servers,
                operation=operation,
                name=name,
            )
        case errors.AuthorizationError(args=(name, Operation() as operation)):
            message = text(
                "Kafka {servers}: this user lacks {operation} on the topic {name}; puente grants kafka prints the commands that give it",
                servers=servers,
                operation=operation,
                name=name,
            )
        case _ if isinstance(error, errors.AuthorizationError):
            message = text("Kafka {servers} does not let this user do that: {what}", servers=servers, what=_words(error))
        case errors.UnsupportedVersionError():
            message = text("Kafka {servers} is too old: Puente needs Apache Kafka 3.1 or newer", servers=servers)
        case _ if isinstance(error, _TOO_LARGE):
            message = text("Kafka {servers} takes no event so large: raise max.message.bytes ({what})", servers=servers, what=_words(error))
        case errors.UnsupportedCodecError():
            message = text(
                "Kafka {servers} compresses topics so that Puente cannot read them: set their compression.type to producer",
                servers=servers,
            )
        case _ if isinstance(error, _REFUSED):
            message = text("Kafka {servers} refuses: {what}", servers=servers, what=_words(error))
        case _:
            return None
    return ConfigError(message)


def _passing(error: KafkaError, servers: str) -> RetryableError:
    match error:
        case _ if isinstance(error, NO_CONNECTION):
            message = text("Kafka {servers} cannot be reached", servers=servers)
        case errors.KafkaStorageError():
            message = text("Kafka {servers} cannot write to its disk: look whether it is full", servers=servers)
        case errors.OutOfOrderSequenceNumberError() | errors.UnknownProducerIdError():  # what it was sent before is there no more
            message = text("The topic {topic} was deleted, cut or made again", topic=error.args[0])
        case errors.NotEnoughReplicasError() | errors.NotEnoughReplicasAfterAppendError():
            message = text("Kafka {servers} has too few brokers running to keep what it is sent", servers=servers)
        case _:
            message = text("Kafka {servers} cannot do it now: {what}", servers=servers, what=_words(error))
    return RetryableError(message)


def _words(error: KafkaError) -> str:
    """Kafka's own name of the trouble, and what it is about."""
    about = ", ".join(str(argument) for argument in error.args)
    name = getattr(error, "message", "") or type(error).__name__
    return f"{name} {about}".strip()
