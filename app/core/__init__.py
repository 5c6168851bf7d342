"""The cellar: how an entity, a step, a task and a measure work.

Knows no insurance and no staff; every room stands on it and it imports none of them.
"""
