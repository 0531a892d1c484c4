"""Why a till cannot start is said in both languages, with what to do about it."""

from __future__ import annotations

import re

import pytest

from agent.keys import KeyFileError
from agent.offline_store.faults import StoreCause, StoreError
from agent.starting import cannot_start


@pytest.mark.parametrize("cause", StoreCause)
def test_every_fault_of_the_store_is_said_with_the_next_step(cause: StoreCause) -> None:
    said = cannot_start(StoreError(cause, "at page 7"))
    assert f"the till cannot start: {cause.value}: at page 7. " in said.en and said.en.count(". ") == 1
    assert said.zh.startswith("收银机无法启动：") and "at page 7" in said.zh
    assert len(re.findall("[\u4e00-\u9fff]", said.zh)) > 15


def test_a_fault_of_the_identity_names_the_file_and_the_next_step() -> None:
    said = cannot_start(KeyFileError("hq.pub: is missing", "restore it from a backup"))
    assert said.en == "the till cannot start: hq.pub: is missing. Restore it from a backup."
    assert "hq.pub: is missing" in said.zh and "重新开通" in said.zh
