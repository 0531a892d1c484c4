"""What a till does while nobody is there, with every device attached: processor time and wake-ups.

A real agent with card reader, scanner, keypad, printer, customer's display, panel (on gpiozero's mock pins) and screen
rests for some seconds, without a network; then one without any device, which is the limit. Counted are the processor
time (schedstat) and the times that a thread went to sleep of its own accord and so was woken (voluntary_ctxt_switches,
proc(5)), over all threads of the agent and its card reader's process.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench._figures import asked_samples, beside
from demo.processes import free_port
from demo.site import Site, make_keys, write_agent_config
from simulator.counter import Counter
from simulator.pole import Pole
from simulator.ports import Pty

SETTLE_S = 4.0
READY_S = 30.0
Table = Mapping[str, Mapping[str, object]]


def main() -> int:
    """Measure and print; ``--samples`` are the seconds of rest."""
    rest_s = float(asked_samples(__doc__ or "", 8))
    with tempfile.TemporaryDirectory(prefix="tapledger-bench-") as name:
        folder = Path(name)
        counter = Counter(folder)
        pole = Pole(Pty(folder / "pole"))
        counter.start()
        pole.start()
        try:
            site = Site(folder)
            make_keys(site, free_port())
            nowhere = ("127.0.0.1", free_port())
            devices: Table = counter.device_table() | {
                "pole": {"technology": "serial", "path": str(folder / "pole")},
                "panel": {"technology": "gpio", "ready": 5, "fault": 6, "buzzer": 13, "tamper": 20, "power_fail": 26},
            }
            figures = []
            for table in (devices, {}):
                write_agent_config(site, nowhere, table, "zh")
                with _agent(site, folder / "agent.log") as pid:
                    figures.append(_at_rest(pid, rest_s))
        finally:
            pole.close()
            counter.close()
    (busy, woken, by_process), (bare_busy, bare_woken, _) = figures
    without = "an agent without devices"
    for what, process_busy, process_woken in by_process:
        print(f"  {what}: {process_busy:.2f} % of a processor, {process_woken:.1f} wake-ups a second")
    beside("processor, all devices, idle", busy, bare_busy, "%", without)
    beside("wake-ups a second", woken, bare_woken, "/s", without)
    return 0


@contextmanager
def _agent(site: Site, log: Path) -> Iterator[int]:
    """A running agent, once it is ready."""
    log.unlink(missing_ok=True)
    with log.open("wb") as errors:
        agent = subprocess.Popen(
            [sys.executable, "-m", "tapledger.main", "agent", "run", "--config", str(site.agent_config())],
            stdout=errors,
            stderr=errors,
            env=os.environ | {"GPIOZERO_PIN_FACTORY": "mock"},
        )
    try:
        deadline_s = time.monotonic() + READY_S
        while "event=ready" not in log.read_text("utf-8", "replace"):
            if time.monotonic() > deadline_s:
                raise SystemExit(log.read_text("utf-8", "replace"))
            time.sleep(0.1)
        time.sleep(SETTLE_S)
        yield agent.pid
    finally:
        agent.terminate()
        agent.wait()


def _at_rest(pid: int, rest_s: float) -> tuple[float, float, list[tuple[str, float, float]]]:
    """Percent of a processor and wake-ups a second, of all processes and of each."""
    pids = [pid, *_children(pid)]
    before, begun_s = [_spent(one) for one in pids], time.monotonic()
    time.sleep(rest_s)
    after, took_s = [_spent(one) for one in pids], time.monotonic() - begun_s
    each = [
        (
            "the agent" if one == pid else "the card reader's process",
            (ran - ran_before) / took_s / 1e7,
            (woken - woken_before) / took_s,
        )
        for one, (ran_before, woken_before), (ran, woken) in zip(pids, before, after, strict=True)
    ]
    return sum(busy for _, busy, _ in each), sum(woken for _, _, woken in each), each


def _spent(pid: int) -> tuple[int, int]:
    """Nanoseconds run and times woken, over all threads."""
    ran = woken = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        ran += int((task / "schedstat").read_text("ascii").split()[0])
        for line in (task / "status").read_text("utf-8", "replace").splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                woken += int(line.split()[1])
    return ran, woken


def _children(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text("ascii").split()
    ]


if __name__ == "__main__":
    sys.exit(main())
