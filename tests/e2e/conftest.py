"""Fixtures of the installed command's tests."""

from tests.e2e.both_logs import pytest_collection_modifyitems, pytest_generate_tests, site_log

__all__ = ["pytest_collection_modifyitems", "pytest_generate_tests", "site_log"]
