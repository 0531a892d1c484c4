"""The numbered steps that bring a store's file to this program's shape.

Each step is a .sql file, run once and in order, and counted by PRAGMA user_version. What does not belong here is code.
A step that has been shipped is never edited; database.py alone comes in.
"""
