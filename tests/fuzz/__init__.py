"""A fuzzing harness, run by hand and not with the tests: see ``__main__``."""
