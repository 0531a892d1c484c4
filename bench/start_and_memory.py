"""Cold start of the agent to "ready", and its resident memory when idle.

Start: from the start of the process to its first picture on the glass, all devices configured, no network; and what
the processor worked for it until then, which other work on the machine lengthens less. Memory:
resident set after some seconds of rest, of the agent and of its card reader's process. The limit is the same
interpreter importing the same third-party modules and doing nothing.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._figures import asked_samples, beside, median, spread
from demo.processes import free_port
from demo.site import Site, make_keys, write_agent_config
from simulator.counter import Counter
from simulator.glass import Glass, ShownFrame

REST_S = 5.0
READY_S = 30.0

_LOADED = """
import importlib, json, sys
importlib.import_module("agent.main")
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
found = [
    name for name, module in sys.modules.items()
    if "site-packages" in (getattr(module, "__file__", None) or "") and not name.startswith("__editable__")
]
print(json.dumps(found))
"""
_IDLE = """
import importlib, json, sys, time
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
print("ready", flush=True)
time.sleep(3600)
"""
AGENT_DRIVERS = (
    "agent.drivers.card_libnfc",
    "agent.drivers.code_serial",
    "agent.drivers.keypad_serial",
    "agent.drivers.glass_socket",
    "agent.drivers.printer_escpos",
    "escpos.printer",
    "serial",
)
READER_MODULES = ("pynfc.nfc",)


def main() -> int:
    """Measure and print."""
    samples = asked_samples(__doc__ or "", 5)
    with tempfile.TemporaryDirectory(prefix="tapledger-bench-") as name:
        folder = Path(name)
        counter = Counter(folder, ("127.0.0.1", free_port()))
        counter.start()
        try:
            starts, busy, agent_kib, reader_kib = _measure(folder, counter, samples)
        finally:
            counter.close()
    loaded = _loaded_by_agent()
    idle_starts, idle_kib = _idle(loaded, samples)
    _none, idle_reader_kib = _idle(list(READER_MODULES), samples)
    print(f"start to first picture: {spread(starts, 'ms')}")
    print(f"  of that the processor: {spread(busy, 'ms')}; least {min(busy):.1f} ms")
    imports = "the same third-party modules imported"
    beside("start", median(starts), median(idle_starts), "ms", imports)
    beside("memory of the agent", agent_kib / 1024, idle_kib / 1024, "MiB", imports)
    beside("memory of the reader's process", reader_kib / 1024, idle_reader_kib / 1024, "MiB", "pynfc imported")
    return 0


def _measure(folder: Path, counter: Counter, samples: int) -> tuple[list[float], list[float], int, int]:
    """Milliseconds of each start, the processor's part of each, and resident KiB of agent and reader at rest."""
    site = Site(folder)
    make_keys(site, free_port())
    assert counter.cable is not None
    write_agent_config(site, (counter.cable.host, counter.cable.port), counter.device_table(), "zh")
    starts: list[float] = []
    busy: list[float] = []
    agent_kib = reader_kib = 0
    for turn in range(samples):
        before = counter.glass.frame
        began = time.monotonic()
        with (folder / "agent.log").open("ab") as log:
            agent = subprocess.Popen(
                [sys.executable, "-m", "tapledger.main", "agent", "run", "--config", str(site.agent_config())],
                stderr=log,
            )
        try:
            if not _shows_another(counter.glass, before):
                raise RuntimeError((folder / "agent.log").read_text())
            starts.append((time.monotonic() - began) * 1000)
            busy.append(_busy_ms(agent.pid))
            if turn == samples - 1:
                time.sleep(REST_S)
                agent_kib = _resident_kib(agent.pid)
                reader_kib = sum(_resident_kib(child) for child in _children(agent.pid))
        finally:
            agent.terminate()
            agent.wait()
    return starts, busy, agent_kib, reader_kib


def _shows_another(glass: Glass, before: ShownFrame | None) -> bool:
    """Wait for a picture that is not ``before``; whether one came."""
    return glass.wait_for(lambda shown: shown.frame is not before, READY_S)


def _loaded_by_agent() -> list[str]:
    """The third-party modules that the agent has loaded once all its devices are open."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, json.dumps(AGENT_DRIVERS)], capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout))


def _idle(modules: list[str], samples: int) -> tuple[list[float], int]:
    """Milliseconds to import ``modules`` in a fresh interpreter, several times, and its resident KiB then."""
    starts: list[float] = []
    resident_kib = 0
    for _ in range(samples):
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-c", _IDLE, json.dumps(modules)], stdout=subprocess.PIPE, text=True
        ) as idle:
            assert idle.stdout is not None
            idle.stdout.readline()
            starts.append((time.monotonic() - began) * 1000)
            resident_kib = _resident_kib(idle.pid)
            idle.kill()
    return starts, resident_kib


def _busy_ms(pid: int) -> float:
    """How long the threads of a process have run (the kernel's sched-stats: nanoseconds, waiting left out)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def _resident_kib(pid: int) -> int:
    """The resident set of a process (proc(5), VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def _children(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


if __name__ == "__main__":
    sys.exit(main())
