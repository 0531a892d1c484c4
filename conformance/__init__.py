"""Cases taken from open engines, told in neutral terms, and whether our engine comes to the same.

Here a case is read strictly, turned into a pack and a basket under the policies of the engine it came from, priced, and
compared with what its source asserts. Knowledge of a single case does not belong here, and neither does any reckoning
that is the engine's. Nothing imports this package but its own program (``python -m conformance``) and the tests.
"""
