"""Lets pytest explain the assertions that several tests share."""

import pytest

pytest.register_assert_rewrite("tests.chaos.mirror")
