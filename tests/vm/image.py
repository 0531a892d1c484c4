"""The image that the virtual machine starts from: this machine's own Debian, its kernel, and nothing of ours.

The virtual environment of the tree is used inside as it is, so the image has to be of the same release as this machine.
It is made by mmdebstrap, without being root where the machine allows that, from the same sources apt uses here.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

START = Path(__file__).with_name("start-project")
PACKAGES = (
    "linux-image-amd64",
    "python3",
    "mount",
    "kmod",
    "udev",
    "procps",
    "libnfc6",
    "libpcsclite1",
    "libusb-1.0-0",
)
"""Beside the smallest Debian: a kernel with the modules of its devices, and what device libraries load."""

LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
HARDWARE = "x86_64"


class ImageError(Exception):
    """The image cannot be made; the words say why and what can be done."""


@dataclass(frozen=True, slots=True)
class Image:
    """What the machine is started with: its kernel, its first file system and its disk, which is never written to."""

    folder: Path

    @property
    def kernel(self) -> Path:
        """The kernel as Debian packs it."""
        return next(self.folder.glob("boot/vmlinuz-*"))

    @property
    def initrd(self) -> Path:
        """Holds the modules with which the kernel finds its disk."""
        return next(self.folder.glob("boot/initrd.img-*"))

    @property
    def disk(self) -> Path:
        """One ext2 file system, without partitions."""
        return self.folder / "root.ext2"

    def is_made(self) -> bool:
        """Whether it lies there, whole."""
        return self.disk.exists()


def cached() -> Image:
    """The image as it would be made today; it may not be there yet. A change of what goes in gives another folder."""
    made_of = "\n".join((_release(), *PACKAGES, *LEFT_OUT, START.read_text()))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Image(cache / "tapledger" / "vm" / hashlib.sha256(made_of.encode()).hexdigest()[:16])


def make(image: Image) -> None:
    """Make the image; it appears whole or not at all. Takes minutes. Raises ImageError."""
    if platform.machine() != HARDWARE:
        raise ImageError(f"the virtual machine is an {HARDWARE} one; this is {platform.machine()}")
    image.folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=image.folder.parent))
    try:
        command = _command(Image(making))
        made = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if made.returncode:
            raise ImageError(f"mmdebstrap failed ({made.returncode}):\n{made.stderr[-2000:]}")
        making.chmod(0o755)
        making.rename(image.folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _command(image: Image) -> list[str]:
    hooks = (
        f"upload {START} /sbin/start-project",
        'chmod 755 "$1/sbin/start-project"',
        "copy-out /boot " + str(image.folder),
        # The kernel starts from outside the disk.
        'rm -rf "$1"/boot/*',
    )
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=apt",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude={left_out}" for left_out in LEFT_OUT),
        *(f"--customize-hook={hook}" for hook in hooks),
        _release(),
        str(image.disk),
        *_sources(),
    ]


def _release() -> str:
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def _sources() -> list[str]:
    """The files that say where this machine's apt has its packages from."""
    folder = Path("/etc/apt/sources.list.d")
    listed = [Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    return [str(path) for path in listed if path.is_file() and path.stat().st_size]
