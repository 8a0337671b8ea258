"""Many at once: requests that leave at the same moment, each over a connection of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor


def at_once(actions):
    """Calls them all at the same moment; their results, in order."""
    barrier = threading.Barrier(len(actions))

    def run(action):
        barrier.wait(60)
        return action()
    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def voices(client, servers, count):
    """The client `count` times, spread over the servers, each with a token and an open connection."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(
            lambda i: client.on(servers[i % len(servers)]), range(count)))


def background(action):
    """Starts it in a thread; call result() of what comes back."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(action)
    pool.shutdown(wait=False)
    return future
