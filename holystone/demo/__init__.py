"""A sample werf 1.1 project, built with a real git repository and real pushes, for people who try Holystone and for
the scenarios of its test suite."""
