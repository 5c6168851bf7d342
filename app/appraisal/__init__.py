"""Chapter 5: indicators, cycles, appraisals and self-assessment (績效考核).

Lives here: what people are measured by, who is appraised when, what they say about themselves, and the scores.
Bonus, coaching and consequences come with their own screens. The figures behind an indicator are measures of the
rooms below; nothing here queries their tables.
"""
