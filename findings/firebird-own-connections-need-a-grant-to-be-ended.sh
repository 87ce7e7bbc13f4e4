#!/bin/sh
# Firebird 3 and newer: a user sees its own connections in MON$ATTACHMENTS, and may not end one of them.
#
# Firebird 5.0.4 (firebird-embedded 5.0.4.4), firebird-driver 2.1.0; a 3.0.11 server does the same. To delete a row of MON$ATTACHMENTS ends
# that connection, and users without privileges are shown no connections but those of their own: so programs end one of theirs that hangs
# and keeps rows locked. In 2.5.9 that works for every user. From 3.0 on the table wants a DELETE privilege, which nobody but the owner of the
# database has, and the same program is refused, even for the row of its own second connection:
#   sees its own: 2, ends its own: no permission for DELETE access to TABLE MON$ATTACHMENTS
# Once somebody granted DELETE on MON$ATTACHMENTS to the user, it ends its own, and still sees, and can end, nobody else's:
#   with the grant: sees 2, ends 1, and 0 of the owner's
#
# Needs python3, pip and libtommath.so.1. Ends with 0 while it is so, with 1 when it has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check firebird-driver==2.1.0 firebird-base==2.0.4 firebird-embedded==5.0.4.4

env/bin/python - <<'PY'
import ctypes
import os
import sys
from importlib.util import find_spec

wheel = find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime"
for library in ("libtommath.so.1", f"{wheel}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": wheel, "FIREBIRD_LOCK": os.getcwd()}

from firebird.driver import DatabaseError, connect, create_database, driver_config

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
owner = create_database("a.fdb", user="SYSDBA")


def ask(connection, statement):
    """The first value, or how many rows it touched, or what is wrong with it."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            found = cursor.fetchone()[0] if statement.startswith("SELECT") else cursor.affected_rows
        except DatabaseError as error:
            connection.rollback()
            return str(error).splitlines()[0].strip(" -")
        connection.commit()
        return found


SEES = "SELECT COUNT(*) FROM MON$ATTACHMENTS WHERE MON$SYSTEM_FLAG = 0"
END = "DELETE FROM MON$ATTACHMENTS WHERE MON$SYSTEM_FLAG = 0 AND MON$ATTACHMENT_ID {} CURRENT_CONNECTION"

one, other = connect("a.fdb", user="CLERK"), connect("a.fdb", user="CLERK")
sees, refused = ask(one, SEES), ask(one, END.format("<>"))
print(f"sees its own: {sees}, ends its own: {refused}")
one.close()
other.close()
ask(owner, "GRANT DELETE ON MON$ATTACHMENTS TO USER CLERK")
one, other = connect("a.fdb", user="CLERK"), connect("a.fdb", user="CLERK")
of_owner = ask(one, f"DELETE FROM MON$ATTACHMENTS WHERE MON$ATTACHMENT_ID = {owner.info.id}")
sees_again, ended = ask(one, SEES), ask(one, END.format("<>"))
print(f"with the grant: sees {sees_again}, ends {ended}, and {of_owner} of the owner's", flush=True)

if (sees, sees_again, ended, of_owner) == (2, 2, 1, 0) and "no permission for DELETE" in str(refused):
    print("as it was: nobody may end a connection of its own without a grant", flush=True)
    os._exit(0)  # the driver would close the connection that was ended
sys.exit("this has changed")
PY
