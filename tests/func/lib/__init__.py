"""Support of the functional tests: one instance a session, and the people who use it."""
