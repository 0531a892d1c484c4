"""Everything that shows Tapledger working, one folder a room, and the house rules under tidy/.

A test is named after the promise it keeps, and its devices are peers that speak real bytes.
Nothing here is imported by the product; what a test needs from another is imported by its full name (`tests.waiting`).
"""
