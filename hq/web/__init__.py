"""The door for a web shop: reserve, capture and release of members' value over HTTP, in a process of its own."""
