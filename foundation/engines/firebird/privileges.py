"""What the user of a connection may do, asked of the engine itself: it looks at a statement's privileges when it prepares it.

So nothing runs, and whatever gave the privilege (the user, PUBLIC, a role, being the owner or SYSDBA) counts, in 2.5 as in 5. Making
tables is looked at only when it is done; that one is read out of RDB$USER_PRIVILEGES, where Firebird 3 and newer keep it. So is what a
program would like to read and can do without.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any, assert_never

import firebird.driver

from foundation.engines.catalogue import Privilege
from foundation.engines.firebird.errors import PERMISSION_CODES, codes_of

FIRST_ENGINE_THAT_ASKS = 3.0
"""In 2.5 everybody may make tables."""

MAKES_TABLES = """
select count(*)
from rdb$database
where current_user = 'SYSDBA' or current_role = 'RDB$ADMIN'
   or exists(select 1 from rdb$relations where rdb$relation_name = 'RDB$DATABASE' and rdb$owner_name = current_user)
   or exists(select 1 from rdb$user_privileges
             where rdb$relation_name = 'SQL$TABLES' and rdb$privilege = 'C' and rdb$user in (current_user, current_role, 'PUBLIC'))
"""

READS = """
select count(*)
from rdb$relations
where rdb$relation_name = '{table}'
  and (rdb$owner_name = current_user or current_user = 'SYSDBA' or current_role = 'RDB$ADMIN'
       or exists(select 1 from rdb$user_privileges p
                 where p.rdb$relation_name = rdb$relations.rdb$relation_name and p.rdb$privilege = 'S'
                   and p.rdb$user in (current_user, current_role, 'PUBLIC')))
"""
"""Whether a table is this user's to read. A role within a role is not looked into: then it is no."""

OWNS = """
select count(*)
from rdb$relations
where rdb$relation_name = '{table}'
  and (rdb$owner_name = current_user or current_user = 'SYSDBA' or current_role = 'RDB$ADMIN')
"""
"""Whether a table is this user's own, which adding an index to it takes."""


def statement(privilege: Privilege, table: str, columns: Sequence[str]) -> str:
    """One that needs this privilege and no other."""
    match privilege:
        case Privilege.SELECT:
            return f"select count(*) from {table}"  # Firebird 3 lets anybody select a constant
        case Privilege.INSERT:
            return f"insert into {table} default values"
        case Privilege.UPDATE:
            return f"update {table} set {', '.join(f'{column} = null' for column in columns)}"
        case Privilege.DELETE:
            return f"delete from {table}"
        case _:
            assert_never(privilege)


def permits(connection: Any, sql: str) -> bool:
    """Whether the driver's connection may run a statement, which it only prepares; raises what the driver raises for another reason."""
    with closing(connection.cursor()) as cursor:
        try:
            cursor.prepare(sql).free()
        except firebird.driver.Error as error:
            if PERMISSION_CODES.isdisjoint(codes_of(error)):
                raise
            return False
    return True
