"""What a pack can say: selectors, conditions, effects, rules and policies, as records that travel and people write.

Each is a frozen dataclass whose wire fields are declared once; the strict decoder, the authored JSON, the JSON Schema
and the reference in docs/rules/ all follow from the declaration. What does not belong: what any of it does to a basket
(``rules.engine``). Everyone in ``rules`` may come in.
"""
