"""The daemon's route table, as the program that was built has it."""

import subprocess
from collections import namedtuple

from .instance import BUILD

Route = namedtuple("Route", "method path authorisation event limit")


PAGES = ("/consent", "/account", "/activate", "/problem", "/assets/")


def routes():
    """One a method; `info` with GET and POST is two. Pages are no part of the API."""
    return [route for route in every_route() if route.path not in PAGES]


def every_route():
    printed = subprocess.run([str(BUILD / "tests" / "test_router"), "--table"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    found = []
    for line in printed.splitlines():
        methods, path, authorisation, event, limit = line.split()
        found += [Route(method, path, authorisation, None if event == "none" else event, int(limit))
                  for method in methods.split(",")]
    return found
