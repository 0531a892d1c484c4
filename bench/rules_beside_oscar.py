"""Pricing a basket beside django-oscar's offers in the same run, at 20, 100 and 500 offers of the same meaning.

A basket has 10 lines, and 9 offers can match it, whatever their number. Both sides price the same baskets; what each
basket comes to, and what each offer takes off it, must be the same to the fen on both, or the bench fails. Each side
has its basket and its prices at hand when the clock starts; django-oscar then reads its offers from SQLite in memory,
as it does for every basket, and ours has its pack compiled. The limit is at 500 offers: at least 2,000 times faster.
"""

import json
import subprocess
import sys
from pathlib import Path

from bench._figures import asked_samples, beside, median, say_step
from bench.oscar import own
from bench.oscar.description import LINES, Answer, Description, describe

ROOT = Path(__file__).parents[1]
PEER = ROOT / "bench" / "oscar" / ".venv" / "bin" / "python"
OFFERS = (20, 100, 500)
OWN_SAMPLES = 200
LEAST_TIMES_FASTER = 2_000.0
PEER_TIMEOUT_S = 3_600


def main() -> int:
    """Measure and print; status 1 where the limit is not met, or where the sides do not agree."""
    baskets = asked_samples(__doc__ or "", 5)
    if not PEER.exists():
        print("django-oscar is not installed; ./dev bench rules_beside_oscar installs it", file=sys.stderr)
        return 1
    faster = 0.0
    for offers in OFFERS:
        say_step(f"{offers} offers, {baskets} baskets of {LINES} lines")
        description = describe(offers, baskets)
        theirs, ours = _peer(description), own.price_all(description, OWN_SAMPLES)
        differing = _differing(theirs, ours)
        if differing:
            print(f"at {offers} offers the sides do not mean the same:\n{differing}", file=sys.stderr)
            return 1
        their_s, our_s = _seconds(theirs), _seconds(ours)
        faster = their_s / our_s
        print(f"{offers} offers, {theirs['engine']}: {1 / their_s:.2f} baskets/s ({their_s * 1e3:.1f} ms each)")
        print(
            f"{offers} offers, ours: {1 / our_s:.0f} baskets/s ({our_s * 1e3:.3f} ms each), {faster:,.0f} times faster"
        )
        given = sum(len(basket["off_minor"]) for basket in ours["baskets"])
        payable = sum(basket["payable_minor"] for basket in ours["baskets"])
        print(f"{offers} offers, both: the same {payable / 100:.2f} to pay and the same {given} offers given")
    beside(f"times faster at {OFFERS[-1]} offers", faster, LEAST_TIMES_FASTER, "times", "at least")
    return 0 if faster >= LEAST_TIMES_FASTER else 1


def _peer(description: Description) -> Answer:
    """What django-oscar says, in a process of its own with an interpreter of its own."""
    done = subprocess.run(
        [str(PEER), "-m", "bench.oscar.peer"],
        cwd=ROOT,
        input=json.dumps(description),
        stdout=subprocess.PIPE,
        text=True,
        timeout=PEER_TIMEOUT_S,
        check=True,
    )
    answer: Answer = json.loads(done.stdout)
    return answer


def _differing(theirs: Answer, ours: Answer) -> str:
    """The first basket on which the sides differ, or nothing."""
    for number, (their, our) in enumerate(zip(theirs["baskets"], ours["baskets"], strict=True)):
        same = their["payable_minor"] == our["payable_minor"] and their["off_minor"] == our["off_minor"]
        if not same:
            lines = ({key: value for key, value in side.items() if key != "seconds"} for side in (their, our))
            return "\n".join(
                f"basket {number}, {who}: {line}" for who, line in zip(("theirs", "ours"), lines, strict=True)
            )
    return ""


def _seconds(answer: Answer) -> float:
    """Seconds a basket takes: the median over the baskets of the median of each."""
    return median([median(basket["seconds"]) for basket in answer["baskets"]])


if __name__ == "__main__":
    sys.exit(main())
