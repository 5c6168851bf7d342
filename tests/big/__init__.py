"""A department of ten years: a million tickets and all that goes with them, the same rows each time (``make big``).

    from tests.big import Size, fill

    fill(db.engine, Size(tickets=100_000, audit=0, shifts=5_000))

fills a database that ``portal init`` has prepared and nobody has worked with; inside an application context.
"""

from .fill import PASSWORD, fill
from .people import LOGINS
from .size import Size
from .texts import COMMON_WORD, RARE_TICKETS, RARE_WORD

__all__ = ["COMMON_WORD", "LOGINS", "PASSWORD", "RARE_TICKETS", "RARE_WORD", "Size", "fill"]
