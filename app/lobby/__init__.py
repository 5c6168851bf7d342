"""The roof: home, search, measures, accounts, users and roles; it hangs upper rooms' pictures in lower rooms.

Nothing here owns a table. In time the policy board and dashboards stand here, too.
"""
