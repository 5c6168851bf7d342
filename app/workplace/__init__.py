"""Chapter 8: environment and facilities (環境與設施).

Lives here: areas, equipment and its repairs, in time also maintenance, line tests and cleaning. Who sits where on a
given day is the roster's.
"""
