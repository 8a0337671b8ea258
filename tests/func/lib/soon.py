"""What another daemon hears of a change takes a moment: at most a second is promised."""

import time


def soon(condition, seconds=1.0):
    """Asks again every 10 ms; whether it came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
