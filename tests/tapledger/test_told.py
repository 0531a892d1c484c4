"""What the command line says of an error: the cause and the next step, in both languages."""

import errno
import os

import pytest

from contract.errors import ContractError, Reason
from contract.said import Said, SaidError
from tapledger.told import Told, complain, said_of

WITHOUT_WORDS = OSError(errno.EXFULL, os.strerror(errno.EXFULL), "shelf")


@pytest.mark.parametrize(
    ("error", "en", "zh"),
    [
        (SaidError("缺货；请补货。", "out of stock; order more."), "out of stock; order more.", "缺货；请补货。"),
        (
            ContractError(Reason.BAD_AMOUNT, "amount", "1,5"),
            "amount: bad_amount: 1,5. Write an amount like 100.00.",
            "amount：金额的写法不对（1,5）。请写成 100.00 这样。",
        ),
        (
            ContractError(Reason.BAD_SIGNATURE, "epoch 2 entry 7"),
            "epoch 2 entry 7: bad_signature. The data is cut short or was changed: export or copy it again.",
            "第 2 代第 7 条：签名不对。请重新导出或复制这份数据。",
        ),
        (
            FileNotFoundError(2, "", "a"),
            "a: there is no such file or folder. Check the path.",
            "a：没有这个文件或文件夹。请核对路径。",
        ),
        (
            WITHOUT_WORDS,
            "shelf: Exchange full. See the system's log.",
            "shelf：系统报错：Exchange full。请查看系统日志。",
        ),
    ],
)
def test_an_error_is_its_cause_and_the_next_step_in_both_languages(error: Told, en: str, zh: str) -> None:
    assert said_of(error) == Said(zh, en)


def test_an_error_s_own_text_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    assert complain(FileNotFoundError(2, "", "a\x1b[2Jb")) == 1
    assert "\x1b" not in capsys.readouterr().err
