"""The numbered steps that make head office's database and keep it up to date, run at every start.

A step is written once and never edited after its release: a change is a further step. What does not belong: queries,
and anything that reads the tables for their meaning. Only ``hq.db`` comes in, through alembic.
"""
