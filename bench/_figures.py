"""How a measurement is summed up and printed: always a figure, its limit, and their ratio."""

import argparse
from collections.abc import Sequence

PI_FACTOR = 8
"""A Pi-class terminal is taken to be so many times slower than the machine this runs on, until one has been
measured.
"""


def asked_samples(what: str, usual: int) -> int:
    """How many samples the command line asks for (``--samples N``)."""
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=usual, metavar="N", help="how often (default: %(default)s)")
    return max(1, int(parser.parse_args().samples))


def say_step(what: str) -> None:
    """Say what is being set up."""
    print(f"... {what}", flush=True)


def median(samples: Sequence[float]) -> float:
    """The middle of the samples."""
    ordered = sorted(samples)
    return ordered[len(ordered) // 2]


def percentile(samples: Sequence[float], percent: int) -> float:
    """The sample that ``percent`` of all do not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def spread(samples: Sequence[float], unit: str) -> str:
    """Median, 95th percentile and maximum in one line."""
    middle, high, most = median(samples), percentile(samples, 95), max(samples)
    return f"median {middle:.1f}, p95 {high:.1f}, max {most:.1f} {unit} (n={len(samples)})"


def beside(what: str, figure: float, limit: float, unit: str, limit_is: str) -> None:
    """Print a figure beside its limit."""
    print(f"{what}: {figure:.1f} {unit}; limit {limit:.1f} {unit} ({limit_is}); ratio {figure / limit:.2f}", flush=True)
