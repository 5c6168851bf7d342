"""How gunicorn serves the portal; it reads this file by itself when started in this folder.

One process with eight threads suits SQLite and a department. On PostgreSQL more processes may be
asked for: ``gunicorn --workers 4``. Wrong settings end the start here, before any worker is made.
"""

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
