"""Each of Firebird's codes is the one that its name says, by the message file of the engine and by the engine's own list of names."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from ctypes import byref, cast, create_string_buffer
from typing import Any

import pytest
import sqlalchemy as sa
from firebird.driver import get_api
from firebird.driver.fbapi import ISC_STATUS, ISC_STATUS_PTR

from foundation.engines import create_database, open_database
from foundation.engines.database import Database
from foundation.engines.errors import StatementEnded
from foundation.engines.firebird.client import load_client
from foundation.engines.firebird.codes import Gds
from foundation.errors import RetryableError
from tests.engines.embedded import Engine

SAYS = {
    Gds.ARITH_EXCEPT: "arithmetic exception, numeric overflow, or string truncation",
    Gds.BAD_DB_FORMAT: "file  is not a valid database",
    Gds.BAD_DB_HANDLE: "invalid database handle (no active connection)",
    Gds.CONVERT_ERROR: 'conversion error from string ""',
    Gds.DEADLOCK: "deadlock",
    Gds.IO_ERROR: 'I/O error during "" operation for file ""',
    Gds.LOCK_CONFLICT: "lock conflict on no wait transaction",
    Gds.NOT_VALID: 'validation error for column , value ""',
    Gds.NO_DUP: 'attempt to store duplicate value (visible to active transactions) in unique index ""',
    Gds.NO_PRIV: "no permission for  access to  ",
    Gds.UNAVAILABLE: "unavailable database",
    Gds.WRONG_ODS: "unsupported on-disk structure for file ; found ., support .",
    Gds.CONNECT_REJECT: "connection rejected by remote interface",
    Gds.UPDATE_CONFLICT: "update conflicts with concurrent update",
    Gds.REC_IN_LIMBO: "record from transaction  is stuck in limbo",
    Gds.FOREIGN_KEY: 'violation of FOREIGN KEY constraint "" on table ""',
    Gds.LOGIN: "Your user name and password are not defined. Ask your database administrator to set up a Firebird login.",
    Gds.LOCK_TIMEOUT: "lock time-out on wait transaction",
    Gds.EXCEPT: "exception ",
    Gds.SHUTDOWN: "database  shutdown",
    Gds.CHECK_CONSTRAINT: "Operation violates CHECK constraint  on view or table ",
    Gds.DSQL_FIELD_ERR: "Column unknown",
    Gds.DSQL_RELATION_ERR: "Table unknown",
    Gds.CONN_LOST: "Connection lost to pipe server",
    Gds.UNIQUE_KEY_VIOLATION: 'violation of PRIMARY or UNIQUE KEY constraint "" on table ""',
    Gds.NETWORK_ERROR: 'Unable to complete network request to host "".',
    Gds.NET_CONNECT_ERR: "Failed to establish a connection.",
    Gds.NET_READ_ERR: "Error reading data from the connection.",
    Gds.NET_WRITE_ERR: "Error writing data to the connection.",
    Gds.IO_CREATE_ERR: "Error while trying to create file",
    Gds.IO_OPEN_ERR: "Error while trying to open file",
    Gds.IO_WRITE_ERR: "Error while trying to write to file",
    Gds.LOST_DB_CONNECTION: "connection lost to database",
    Gds.CANCELLED: "operation was cancelled",
    Gds.FOREIGN_KEY_TARGET_DOESNT_EXIST: "Foreign key reference target does not exist",
    Gds.ATT_SHUTDOWN: "connection shutdown",
    Gds.CONCURRENT_TRANSACTION: "concurrent transaction number is ",
    Gds.STRING_TRUNCATION: "string right truncation",
    Gds.OUT_OF_TEMP_SPACE: "No free space found in temporary directories",
    Gds.DYN_NO_PRIV: "There is no privilege for this operation",
    Gds.ATT_SHUT_KILLED: "Killed by database administrator.",
    Gds.ATT_SHUT_IDLE: "Idle timeout expired.",
    Gds.ATT_SHUT_DB_DOWN: "Database is shutdown.",
    Gds.ATT_SHUT_ENGINE: "Engine is shutdown.",
    Gds.DYN_NO_CREATE_PRIV: "No permission for CREATE  operation",
}
"""What the message file has, with nothing in place of its values."""
NEWER_THAN_FIREBIRD_3 = {
    Gds.ATT_SHUT_KILLED,
    Gds.ATT_SHUT_IDLE,
    Gds.ATT_SHUT_DB_DOWN,
    Gds.ATT_SHUT_ENGINE,
    Gds.DYN_NO_CREATE_PRIV,
}


MISSING = re.compile(r"<Missing arg[^>]*>")


def message(code: int) -> str:
    load_client()
    vector = (ISC_STATUS * 20)(1, code, 0)
    buffer = create_string_buffer(1024)
    get_api().fb_interpret(buffer, len(buffer), byref(cast(vector, ISC_STATUS_PTR)))
    return MISSING.sub("", buffer.value.decode())


def test_a_code_is_the_one_that_its_name_says() -> None:
    assert {code: message(code) for code in Gds} == SAYS


def test_the_engine_itself_knows_each_by_this_name(engine: Engine) -> None:
    url = engine.new_url("codes")
    create_database(url)
    with closing(open_database(url)) as database:
        unknown = {code for code in Gds if not knows(database, code.name)}
        assert unknown in (set(), NEWER_THAN_FIREBIRD_3)
        assert not knows(database, "NO_CODE_OF_FIREBIRDS")


def knows(database: Database, name: str) -> bool:
    try:
        with database.writing() as writer:
            writer.execute(sa.text(f"execute block as declare i integer; begin i = 1; when gdscode {name} do i = 2; end"))
    except RetryableError:
        return False
    return True


ENDLESS = "select count(*) from {0} a, {0} b, {0} c, {0} d, {0} e, {0} f".format("rdb$fields")


def test_a_statement_that_the_server_ended_is_tried_again_and_no_wrong_password(engine: Engine) -> None:
    """As a statement time limit of Firebird 4 ends it, and whoever deletes it from the list of statements."""
    url = engine.new_url("ended")
    create_database(url)
    with closing(open_database(url)) as database, ThreadPoolExecutor(1) as pool, closing(open_database(url)) as administrator:
        asked = pool.submit(ask, database, ENDLESS)
        while not asked.done():
            with administrator.writing() as writer:
                writer.execute(sa.text("delete from mon$statements where mon$sql_text starting with 'select count(*) from rdb$fields a'"))
        with pytest.raises(StatementEnded, match="ended a statement"):
            asked.result()
        assert ask(database, "select count(*) from rdb$database") == [(1,)]
        assert database.connections == 1


def ask(database: Database, sql: str) -> list[Any]:
    with database.reading() as reader:
        return list(reader.rows(sa.text(sql).columns(sa.column("N", sa.BigInteger))))
