"""Chapter 2: people, teams, positions and their tasks (崗位職責).

Lives here: who works in the department, and who owes what by when. Career ladder and position changes (4.3) come
with their own screens. Shifts and attendance live in ``roster``, what people did in the rooms above.
"""
