"""The roof: home, measures, people's own accounts, users and roles; it hangs upper rooms' pictures in lower rooms.

Nothing here owns a table. In time the policy board, dashboards and global search stand here, too.
"""
