"""How gunicorn serves the portal; it reads this file by itself when started in this folder.

One process with eight threads suits SQLite and a department. On PostgreSQL more processes may be
asked for: ``gunicorn --workers 4``. Wrong settings end the start here, before any worker is made.
"""

import gc

from config import settings_or_exit

wsgi_app = "run:app"
bind = f"127.0.0.1:{settings_or_exit().port}"
worker_class = "gthread"
workers = 1
threads = 8

# No log of requests: addresses hold search words, which may be a customer's name or number.
accesslog = None
# Without a socket to steer it, two portals on one machine cannot reach each other's.
control_socket_disable = True


GARBAGE = (20_000, 20, 50)
"""When Python looks for garbage: a page makes some thousands of objects, nearly all of which end with it."""


def post_worker_init(_worker: object) -> None:
    """Take what the start made, which stays for good, out of the collector's sight."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
