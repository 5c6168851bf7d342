"""Chapter 4: training plans, courses and sessions (培訓與發展).

Lives here: what the department means to learn this year, when it is taught, who was told, who came. Materials,
assessments and outside events come with their own screens; the career ladder is in ``staff``.
"""
