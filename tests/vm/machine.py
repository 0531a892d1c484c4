"""The virtual machine while it runs: QEMU without hardware help (TCG), so that it starts on any host.

Two folders of the host are seen inside: the tree, which cannot be written to, and one for results. A test inside that
wants to know what is really on the screen leaves ``NAME.wanted`` there; the host answers with ``NAME.png``, taken from
the machine's display and not from the memory that the test wrote to.
"""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from tests.vm.image import Image

PROGRAM = "qemu-system-x86_64"
MEMORY_MIB = 1024
POLL_S = 0.1
QMP_S = 10.0


class MachineError(Exception):
    """The machine cannot be started, or did not come to an end; the words say why."""


def run(image: Image, tree: Path, results: Path, console: Path, limit_s: int, told: Callable[[str], None]) -> int:
    """Start the machine, let it run its tests, and return their exit status. Raises MachineError.

    ``results`` must hold the file ``arguments``, which pytest is given. Every line of the machine's console goes to
    ``told`` and to the file ``console``.
    """
    monitor = results.with_name("monitor")
    with _started(image, tree, results, console, monitor) as process, console.open(errors="replace") as shown:
        for _ in range(int(limit_s / POLL_S)):
            _pass_on(shown, told)
            _take_pictures(monitor, results)
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_S)
                _pass_on(shown, told)
                return _verdict(results, console)
    raise MachineError(f"the machine did not come to an end in {limit_s} s; its console is in {console}")


@contextmanager
def _started(
    image: Image, tree: Path, results: Path, console: Path, monitor: Path
) -> Iterator[subprocess.Popen[bytes]]:
    shared = "security_model=none" if _is_root() else "security_model=mapped-xattr"
    command = [
        PROGRAM,
        *("-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", str(MEMORY_MIB)),
        *("-nodefaults", "-no-reboot", "-display", "none", "-vga", "none", "-device", "bochs-display", "-net", "none"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd)),
        *("-append", "root=/dev/vda rw console=ttyS0 quiet panic=-1 init=/sbin/start-project"),
        *("-drive", f"file={image.disk},if=virtio,format=raw,snapshot=on"),
        *("-virtfs", f"local,path={tree},mount_tag=project,readonly=on,{shared}"),
        *("-virtfs", f"local,path={results},mount_tag=results,{shared}"),
        *("-serial", f"file:{console}", "-qmp", f"unix:{monitor},server=on,wait=off"),
    ]
    console.touch()
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise MachineError(f"{PROGRAM} is not installed; ./dev vm-devices installs it") from None
    with process:
        try:
            yield process
        finally:
            process.kill()


def _is_root() -> bool:
    return Path("/proc/self").stat().st_uid == 0


def _pass_on(shown: TextIO, told: Callable[[str], None]) -> None:
    for line in shown.read().splitlines():
        told(line)


def _verdict(results: Path, console: Path) -> int:
    try:
        return int((results / "verdict").read_text())
    except (OSError, ValueError):
        raise MachineError(f"the machine ended without a verdict; its console is in {console}") from None


def _take_pictures(monitor: Path, results: Path) -> None:
    for wanted in results.glob("*.wanted"):
        taken = results.with_name("taken.png")
        _ask(monitor, "screendump", filename=str(taken), format="png")
        taken.rename(wanted.with_suffix(".png"))
        wanted.unlink()


def _ask(monitor: Path, command: str, **arguments: Any) -> None:
    """One command of QEMU's machine protocol (QEMU, "QEMU Machine Protocol Specification")."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(QMP_S)
        line.connect(str(monitor))
        with line.makefile("rw") as lines:
            lines.readline()  # its greeting
            for name, given in (("qmp_capabilities", {}), (command, arguments)):
                lines.write(json.dumps({"execute": name, "arguments": given}) + "\n")
                lines.flush()
                while "return" not in (answer := json.loads(lines.readline())):
                    if "error" in answer:
                        raise MachineError(f"the machine refused {name}: {answer['error'].get('desc')}")
