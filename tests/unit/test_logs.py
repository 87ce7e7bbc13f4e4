"""Log lines for people."""

import logging
import re

from puente.logs import PlainFormatter


def test_a_line_has_its_date_where_it_is_kept_and_the_time_alone_where_somebody_looks() -> None:
    record = logging.LogRecord("puente.run", logging.INFO, __file__, 1, "Works", (), None)
    record.count = 3
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO Works · count=3", PlainFormatter(dated=False).format(record))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO Works · count=3", PlainFormatter(dated=True).format(record))
