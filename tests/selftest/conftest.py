"""The cases here mostly fail, as they are meant to: only test_selftest.py runs them, and looks at how."""

collect_ignore = ["cases"]
