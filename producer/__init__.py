"""SAE → log, in the order data meets the files.

    tables     which tables and columns of SAE are read
    sae        SAE in a snapshot, through SQLAlchemy
    mapping    rows → changes
    capture    which changes a pass looks at: the port, and the mode `compare`
    view       what the log already holds, known by reading it
    publish    changes → events, acknowledged
    poll       one pass, its effects numbered
"""
