"""Files that hold keys: written whole or not at all; private ones readable by their owner alone, never overwritten."""

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from contract.said import SaidError


class ProvisioningError(SaidError):
    """Something asked of provisioning cannot be done; it says what is wrong and what to do, in both languages."""


def unusable(path: Path, error: OSError) -> ProvisioningError:
    """A file or folder that the system does not let one use."""
    return ProvisioningError(
        f"{path}：无法使用（{error.strerror}）；请检查路径、权限和磁盘。",
        f"{path}: {error.strerror}; check the path, its permissions and the disk.",
    )


def damaged(path: Path, zh: str, en: str) -> ProvisioningError:
    """A file that does not hold what it should."""
    return ProvisioningError(
        f"{path}：{zh}；请从备份恢复这个文件，或换一个文件夹重新开通。",
        f"{path}: {en}; restore this file from a backup, or begin anew in another folder.",
    )


def ensure_folder(path: Path) -> Path:
    """Return ``path``, made with mode 0700 where it is missing. Raises ProvisioningError where it cannot be made."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(path, error) from error
    return path


def ensure_secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the bytes of the private file ``path``; where it is missing, make them once, with mode 0600.

    Of two runs at once one writes and both return the same bytes. Raises ProvisioningError where the file is readable
    by others than its owner, because what others could read is no secret any more, or cannot be read or written.
    """
    try:
        if not path.exists():
            _write_new(path, make())
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ProvisioningError(
                f"{path}：别人也能读这个私密文件（权限 {mode:04o}）；若没人读过，请 chmod 600，"
                "否则删除它和由它生成的一切。",
                f"{path}: others can read this private file (mode {mode:04o}); if nobody has, run chmod 600 on it, "
                "else remove it and what was made from it.",
            )
        return path.read_bytes()
    except OSError as error:
        raise unusable(path, error) from error


def publish(path: Path, data: bytes, mode: int = 0o644) -> bool:
    """Make ``path`` hold ``data``, replacing it whole; tell whether it changed. For what is no secret.

    Raises ProvisioningError where it cannot be written.
    """
    try:
        if path.exists() and path.read_bytes() == data:
            return False
        draft = _draft(path, data, mode)
        draft.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise unusable(path, error) from error
    return True


def _write_new(path: Path, data: bytes) -> None:
    draft = _draft(path, data, 0o600)
    try:
        # A hard link, unlike a rename, fails where the name is taken: this is what keeps a key from being overwritten.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _draft(path: Path, data: bytes, mode: int) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        # The mode given to open() is cut by the umask; this one is not.
        os.fchmod(descriptor, mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    return draft


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
