"""The colours of the glass. Words stand on their ground with a contrast of at least 4.5 to 1 (WCAG 2.1, 1.4.3)."""

PAPER = "#F5F3EE"
WHITE = "#FFFFFF"
INK = "#14181D"
MUTED = "#57606B"
LINE = "#DCD8CF"

NIGHT = "#12283F"
NIGHT_SOFT = "#A9BDD2"
NIGHT_GOLD = "#F3C969"

GREEN = "#0A6B43"
GREEN_DEEP = "#07532F"
GREEN_PALE = "#DDF1E6"
MINT = "#CDEBDB"
GREEN_GOLD = "#FFE39A"

AMBER = "#FFB629"
AMBER_PALE = "#FFECC7"
AMBER_INK = "#5C3A00"

RED = "#A8201A"
RED_PALE = "#FCE6E3"

TIERS = {
    "gold": ("#F0C75E", INK),
    "silver": ("#CBD3DB", INK),
    "platinum": ("#3B4754", WHITE),
    "diamond": ("#2C5E8A", WHITE),
}
"""Ground and words of a tier's badge."""
TIER_ELSE = ("#DCD8CF", INK)
