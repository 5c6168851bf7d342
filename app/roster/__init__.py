"""Chapter 2: rosters, leave, swaps and attendance (人員排班與考勤, clauses 2.2.1, 6.3.1 and 8.3.3).

Lives here: who works when, who asked to be away, who came late. Who belongs to which team is ``staff``'s, what
people do while they are here belongs to the rooms above.
"""
