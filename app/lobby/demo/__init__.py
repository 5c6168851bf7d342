"""Demo data: a cast that works with the portal for a year, through the operations a person would use.

``stage`` holds the clock and lets people act, each other module tells the stories of one room. Names and texts are in
``seed/demo/*.csv``. Nothing here is used by the portal itself.
"""
