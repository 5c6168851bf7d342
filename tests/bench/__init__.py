"""What the server costs at ten years of records, beside a bare page and beside Django's admin: ``make bench-server``.

Nothing of the portal imports this, and the portal is started as in production. What counts statements is hung into the
server from outside, in a pass of its own.
"""
