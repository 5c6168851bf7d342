"""Chapter 3: consultations, complaints and business requests (工作流程).

Lives here: whatever a customer wants from us, as a ticket of one of three kinds, with its notes and steps. Who the
customer is stands in ``customers``; who is asked and by when in ``staff`` and ``handbook``.
"""
