"""How gunicorn serves what stands beside the portal: as ``gunicorn.conf.py`` serves the portal itself."""

worker_class = "gthread"
threads = 8
accesslog = None
# A form of Django's takes longer than the 30 seconds after which gunicorn ends a worker.
timeout = 300
control_socket_disable = True

ASKED = "/-/statements"
"""Where the pass that counts asks how many statements ran since it last asked; the first answer is the start-up's."""
