"""The conversation with head office: what to say next, what to believe, and the one connection it travels on.

Here belong the uplink and the downlink, as machines that are told what arrived and what time it is and answer with
what to do, and the link, the only user of the MQTT library. What does not: SQL, pixels, devices, and what a document's
content means. The till comes in, steps the conversation in its own thread, and carries out its effects.
"""
