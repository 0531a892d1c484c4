"""One module for each step, numbered in order, by alembic's pattern.

A step holds ``upgrade`` and the number of the step before, and there is no way back down. What does not belong: imports
from the rest of the house, because a step must do in ten years what it does today. Only alembic comes in.
"""
