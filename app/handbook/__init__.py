"""Chapter 1, general rules (總則): what the department has promised, and by when.

Here live the clauses of the policy and their versions, the working calendar, and the promises
(service levels, internal and statutory) that the clocks of every other room are counted by.
Not here: who owes what on which record is a task and lives in `staff`; the records themselves
live in their own rooms.
"""
