"""Ending a connection of Puente's that keeps rows locked and does nothing.

A process that stands still, or whose line was cut in the midst of a transaction, keeps what it wrote locked: a server looks whether anybody
is there after two hours, and a process that merely sleeps answers. Tills and successors wait so long. A user may end its own connections
by Firebird's monitoring tables; the server then rolls back what they had open.
"""

MARK = "PUENTE_WRITES"
SIGN = f"select rdb$set_context('USER_SESSION', '{MARK}', '1') from rdb$database"
"""Such a variable of a connection is seen by all of its user's, and is gone with it."""

ATTACHMENTS = "MON$ATTACHMENTS"
LONGEST_STATEMENT_SECONDS = 120
"""Who takes longer is given up by its client, too (`statement_seconds`)."""

END = f"""
delete from {ATTACHMENTS}
where mon$attachment_id <> current_connection
  and mon$attachment_id in (select mon$attachment_id from mon$context_variables where mon$variable_name = '{MARK}')
  and mon$attachment_id not in (
    select mon$attachment_id from mon$statements
    where mon$state = 1 and mon$timestamp > dateadd(-{LONGEST_STATEMENT_SECONDS} second to current_timestamp))
"""
"""Of those that are at no statement now."""
