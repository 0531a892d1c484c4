"""The page in a real browser: it shows what the stage is, and hands over what a person does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from demo.page import page_app, serve
from demo.page_state import KEYS, StageRefusal
from tests.browser import PHONE, TABLET, WIDE, complaints, resize
from tests.demo.memory_stage import SIGNED_IN, SOLD, MemoryStage
from tests.waiting import eventually

pytestmark = pytest.mark.browser


@pytest.fixture
def stage() -> MemoryStage:
    return MemoryStage()


@pytest.fixture
def url(stage: MemoryStage) -> Iterator[str]:
    server = serve(page_app(stage), 0)
    server.start()
    yield server.url
    server.close()


@pytest.fixture
def page(browser: Chrome, url: str) -> Chrome:
    browser.get(url)
    eventually(lambda: find(browser, "#tft").get_attribute("data-frame") == "1")
    return browser


def find(page: Chrome, selector: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, selector)


def count(page: Chrome, selector: str) -> int:
    return len(page.find_elements(By.CSS_SELECTOR, selector))


def text(page: Chrome, selector: str) -> str:
    return str(page.execute_script("return document.querySelector(arguments[0]).textContent", selector))


def flushed(page: Chrome, stage: MemoryStage, expected: list[tuple[str, object]]) -> None:
    eventually(lambda: len(stage.done) >= len(expected))
    assert stage.done == expected
    assert complaints(page) == []


def test_the_glass_is_shown_as_a_picture_and_in_words_under_one_frame_number(page: Chrome, stage: MemoryStage) -> None:
    assert text(page, "#tft-text").split("\n") == SIGNED_IN
    assert find(page, "#tft-text").get_attribute("aria-live") == "polite"
    stage.show(SOLD)
    eventually(lambda: find(page, "#tft-text").get_attribute("data-frame") == "2")
    assert text(page, "#tft-text").split("\n") == SOLD
    eventually(lambda: find(page, "#tft").get_attribute("data-frame") == "2")
    assert page.execute_script(
        "const p = document.querySelector('#tft'); return [p.naturalWidth, p.naturalHeight]"
    ) == [
        480,
        320,
    ]


def test_every_key_of_the_keypad_can_be_pressed_in_both_languages(page: Chrome, stage: MemoryStage) -> None:
    for language in ("zh", "en"):
        find(page, f'[data-lang="{language}"]').click()
        stage.done.clear()
        for key in KEYS:
            find(page, f'[data-key="{key}"]').click()
        flushed(page, stage, [("press", key) for key in KEYS])


def test_keys_typed_on_a_keyboard_arrive_in_their_order(page: Chrome, stage: MemoryStage) -> None:
    ActionChains(page).send_keys("268.00", Keys.ENTER, Keys.BACKSPACE, Keys.ESCAPE, "mcrls,").perform()
    keys = [*"268.00", "enter", "clear", "cancel", "member", "cash", "reprint", "lang", "signout", "00"]
    flushed(page, stage, [("press", key) for key in keys])


def test_what_is_typed_into_the_scan_field_is_scanned_and_presses_no_key(page: Chrome, stage: MemoryStage) -> None:
    find(page, "#scan-text").send_keys("6901234567892 会员", Keys.ENTER)
    flushed(page, stage, [("scan", "6901234567892 会员")])
    assert find(page, "#scan-text").get_attribute("value") == ""


def test_a_card_is_tapped_by_a_click(page: Chrome, stage: MemoryStage) -> None:
    find(page, '[data-card="gold"]').click()
    eventually(lambda: text(page, "#tft-text").split("\n") == SOLD)
    flushed(page, stage, [("tap", "gold")])
    eventually(lambda: count(page, ".ghost") == 0)


def test_a_card_is_tapped_by_dragging_it_to_the_reader_and_not_by_dropping_it_elsewhere(
    page: Chrome, stage: MemoryStage
) -> None:
    card = find(page, '[data-card="unknown"]')
    ActionChains(page).drag_and_drop_by_offset(card, 60, 200).perform()
    assert count(page, ".ghost") == 0
    ActionChains(page).drag_and_drop(card, find(page, "#reader")).perform()
    flushed(page, stage, [("tap", "unknown")])


def test_a_card_is_tapped_from_the_keyboard(page: Chrome, stage: MemoryStage) -> None:
    find(page, '[data-card="pulled"]').send_keys(Keys.ENTER)
    flushed(page, stage, [("tap", "pulled")])


def test_the_phone_shows_one_of_its_codes_and_holds_it_to_the_scanner(page: Chrome, stage: MemoryStage) -> None:
    find(page, '[data-code="tampered"]').click()
    eventually(
        lambda: page.execute_script("const q = document.querySelector('#qr'); return q.complete && q.naturalWidth > 0")
    )
    assert str(find(page, "#qr").get_attribute("src")).endswith("/qr/tampered.png")
    find(page, "#code").click()
    flushed(page, stage, [("scan", "tampered")])


def test_the_switches_show_the_state_of_cable_and_paper_and_change_it(page: Chrome, stage: MemoryStage) -> None:
    find(page, "#network").click()
    eventually(lambda: "已断开" in text(page, "#network"))
    find(page, "#paper").click()
    eventually(lambda: "已取出" in text(page, "#paper"))
    assert [find(page, name).get_attribute("aria-checked") for name in ("#network", "#paper")] == ["false", "false"]
    assert "缺纸" in text(page, "#printer")
    find(page, "#network").click()
    eventually(lambda: find(page, "#network").get_attribute("aria-checked") == "true")
    flushed(page, stage, [("network", False), ("paper", False), ("network", True)])


def test_the_customers_display_shows_both_of_its_rows(page: Chrome, stage: MemoryStage) -> None:
    assert text(page, "#pole") == "合计￥221.20"
    assert find(page, "#pole").get_attribute("aria-label") == "客显: 合计 ￥221.20"
    stage.state["pole"] = ["欢迎光临", ""]
    eventually(lambda: text(page, "#pole") == "欢迎光临")


def test_the_cash_drawer_springs_open_with_each_pulse_it_gets_and_is_shut_again(
    page: Chrome, stage: MemoryStage
) -> None:
    assert find(page, "#drawer").get_attribute("aria-label") == "钱箱"
    shut_px = find(page, "#drawer").size["height"]
    for opened in (1, 2):
        stage.state["drawer"] = opened
        eventually(lambda: text(page, "#drawer") == "钱箱已弹开")
        eventually(lambda: find(page, "#drawer").size["height"] > shut_px + 30)
        eventually(lambda: find(page, "#drawer").size["height"] == shut_px)
    assert text(page, "#drawer") == "钱箱"


def test_the_journal_is_drawn_as_blocks_that_turn_solid_when_acknowledged(page: Chrome, stage: MemoryStage) -> None:
    stage.sell(acknowledged=False)
    stage.sell(acknowledged=False)
    eventually(lambda: count(page, "#blocks li") == 6)
    assert (count(page, "#blocks li.solid"), text(page, "#journal-backlog")) == (4, "2")
    stage.acknowledge()
    eventually(lambda: count(page, "#blocks li.solid") == 6)
    assert (text(page, "#journal-head"), text(page, "#journal-acked"), text(page, "#journal-backlog")) == (
        "6",
        "6",
        "0",
    )


def test_a_long_journal_keeps_its_newest_entries_in_sight(page: Chrome, stage: MemoryStage) -> None:
    with stage.lock:
        stage.state["journal"].update({"head": 12_345, "acked": 12_340, "backlog": 5})
    eventually(lambda: count(page, '#blocks li[data-seq="12345"]') == 1)
    assert count(page, "#blocks li") <= 61
    assert count(page, "#blocks li[data-seq]:not(.solid)") == 5


def test_slips_come_out_newest_first_and_a_second_paper_says_so(page: Chrome, stage: MemoryStage) -> None:
    stage.sell()
    stage.sell(reprint=True)
    eventually(lambda: count(page, ".receipt") == 2)
    slips = page.find_elements(By.CSS_SELECTOR, ".receipt")
    assert [slip.get_attribute("data-receipt") for slip in slips] == ["6", "5"]
    assert [len(slip.find_elements(By.TAG_NAME, "mark")) for slip in slips] == [1, 0]
    eventually(lambda: page.execute_script("return document.querySelector('.receipt img').naturalWidth > 500"))
    assert "221.20" in str(slips[0].find_element(By.TAG_NAME, "img").get_attribute("alt"))
    eventually(lambda: count(page, ".receipt.fresh, .receipt.drawing") == 0)
    slips[0].click()
    eventually(lambda: find(page, "#paper-view").is_displayed())
    find(page, "#paper-view button").click()


def test_the_books_show_sales_with_their_proofs_points_and_a_balance_of_nothing(
    page: Chrome, stage: MemoryStage
) -> None:
    stage.sell()
    eventually(lambda: count(page, "#sales li[data-receipt]") == 1)
    line = text(page, "#sales li")
    for part in ("S01.T1-1-000005", "268.00", "221.20", "复算一致", "签名", "链", "会员一 +221"):
        assert part in line
    assert count(page, '#sales [data-ok="true"]') == 3
    assert "221" in text(page, '[data-member="m-1"]')
    assert "0.00" in text(page, '#accounts [data-unit="CNY"]')
    assert text(page, "#balance") == "借贷相等"
    assert text(page, '[data-fact="seq"]') == "5"


def test_what_the_till_was_lent_and_what_a_balance_was_before_are_shown(page: Chrome, stage: MemoryStage) -> None:
    eventually(lambda: text(page, "#loss") == "最大可能损失 110.00")
    assert "至 11-29 15:17" in text(page, "#leases")
    with stage.lock:
        books = stage.state["books"]
        books["members"][0]["stored_minor"] = 16_600
        books["lent"]["loss_minor"] = books["lent"]["leases"][0]["left"] = 5_600
    eventually(lambda: "220.00 166.00" in text(page, '[data-member="m-1"]'))
    assert "110.00 56.00" in text(page, "#leases")
    assert text(page, "#loss") == "最大可能损失 56.00"


def test_a_sale_that_head_office_prices_differently_and_books_out_of_balance_stand_out(
    page: Chrome, stage: MemoryStage
) -> None:
    stage.sell()
    with stage.lock:
        stage.state["books"]["sales"][0].update({"verdict": "differs", "signed": False})
        stage.state["books"]["sums"][0]["amount"] = 1
        stage.state["books"]["exceptions"] = [
            {"at": "10:00:00", "code": "bad_signature", "subject": "S01.T1", "detail": "<img src=x onerror=alert(1)>"}
        ]
    eventually(lambda: count(page, '#sales [data-ok="false"]') == 2)
    assert text(page, "#balance") == "不平"
    assert text(page, "#exception-count") == "例外 1"
    assert "<img" in text(page, '#exceptions [data-code="bad_signature"]')
    assert count(page, "#exceptions img") == 0


def test_only_the_newest_sales_are_listed_until_all_are_asked_for(page: Chrome, stage: MemoryStage) -> None:
    for _ in range(8):
        stage.sell()
    eventually(lambda: text(page, "#more-sales") == "全部 8 笔")
    assert count(page, "#sales li") == 5
    find(page, "#more-sales").click()
    assert count(page, "#sales li") == 8


def test_a_pack_is_published_once_and_head_office_is_then_ahead_of_the_till(page: Chrome, stage: MemoryStage) -> None:
    find(page, '[data-pack="pack2"]').click()
    eventually(lambda: "已签发" in text(page, '[data-pack="pack2"]'))
    assert not find(page, '[data-pack="pack2"]').is_enabled()
    assert count(page, '#documents [data-kind="pack"] .late') == 1
    flushed(page, stage, [("publish", "pack2")])


def test_a_refused_action_is_told_with_its_reason_in_the_language_of_the_page(page: Chrome, stage: MemoryStage) -> None:
    stage.refuse = StageRefusal("terminal_down", "终端没有运行", "The terminal is not running")
    find(page, '[data-card="gold"]').click()
    eventually(lambda: count(page, ".toast") == 1 and "终端没有运行" in text(page, ".toast"))
    find(page, '[data-lang="en"]').click()
    find(page, '[data-pack="pack2"]').click()
    eventually(lambda: "The terminal is not running" in text(page, ".toast:last-child"))
    assert find(page, ".toast:last-child").get_attribute("data-reason") == "terminal_down"
    eventually(lambda: find(page, '[data-pack="pack2"]').is_enabled())


def test_a_sound_of_the_glass_is_seen_once(page: Chrome, stage: MemoryStage) -> None:
    page.execute_script(
        "window.pulses = []; const s = document.querySelector('#speaker');"
        "s.addEventListener('animationstart', () => window.pulses.push(s.dataset.sound))"
    )
    stage.show(["不认识"], sound="refused")
    eventually(lambda: page.execute_script("return window.pulses") == ["refused"])
    stage.show(["已记账"], sound="success")
    eventually(lambda: page.execute_script("return window.pulses") == ["refused", "success"])
    stage.show(["下一单"])
    eventually(lambda: find(page, "#tft-text").get_attribute("data-frame") == "4")
    assert page.execute_script("return window.pulses") == ["refused", "success"]


def test_the_language_is_switched_everywhere_and_remembered(page: Chrome, stage: MemoryStage) -> None:
    find(page, '[data-lang="en"]').click()
    assert find(page, "html").get_attribute("lang") == "en"
    assert text(page, "#books-title") == "HQ's books"
    assert "Gold card" in text(page, '[data-card="gold"]')
    page.refresh()
    eventually(lambda: text(page, "#roll-title") == "Receipts")
    missing = page.execute_script(
        "const keys = (o, p = '') => Object.entries(o).flatMap(([k, v]) =>"
        "typeof v === 'object' ? keys(v, p + k + '.') : [p + k]);"
        "const [a, b] = [keys(WORDS.zh), keys(WORDS.en)]; "
        "return a.filter(k => !b.includes(k)).concat(b.filter(k => !a.includes(k)))"
    )
    assert missing == []


def test_a_terminal_that_has_shown_nothing_yet_is_said_to_be_waited_for(
    browser: Chrome, stage: MemoryStage, url: str
) -> None:
    with stage.lock:
        stage.state["tft"] = {"frame": 0, "text": [], "lang": "zh"}
        stage.state["parts"][2]["state"] = "starting"
    browser.get(url)
    eventually(lambda: count(browser, '[data-part="terminal"][data-state="starting"]') == 1)
    assert find(browser, ".blank").is_displayed()
    stage.show(SIGNED_IN)
    eventually(lambda: not find(browser, ".blank").is_displayed())


def test_a_lost_connection_is_said_and_mended_by_itself(browser: Chrome, stage: MemoryStage) -> None:
    server = serve(page_app(stage), 0)
    server.start()
    browser.get(server.url)
    eventually(lambda: find(browser, "body").get_attribute("data-link") == "live")
    server.close()
    eventually(lambda: find(browser, "body").get_attribute("data-link") == "lost")
    assert "重连" in text(browser, "#banner")
    again = serve(page_app(stage), int(server.url.rsplit(":", 1)[1].strip("/")))
    again.start()
    eventually(lambda: find(browser, "body").get_attribute("data-link") == "live", timeout_s=20)
    again.close()


def test_a_stage_that_fails_is_said_and_the_page_lives_on(page: Chrome, stage: MemoryStage) -> None:
    stage.broken = "head office's database is locked"
    eventually(lambda: "database is locked" in text(page, "#banner"))
    stage.broken = ""
    eventually(lambda: text(page, "#banner") == "")


@pytest.mark.parametrize("size", [WIDE, TABLET, PHONE])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_runs_out_of_the_page_at_any_of_its_sizes(
    browser: Chrome, stage: MemoryStage, url: str, size: tuple[int, int], language: str
) -> None:
    for _ in range(7):
        stage.sell()
    stage.set_network(False)
    stage.sell(acknowledged=False)
    resize(browser, size)
    browser.get(f"{url}?lang={language}")
    eventually(lambda: count(browser, ".receipt") == 8)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
    outside = browser.execute_script(
        "return [...document.querySelectorAll('button, input, img, td, h2, h3, li')].filter(e => {"
        " const r = e.getBoundingClientRect(); return r.width && (r.left < -1 || r.right > innerWidth + 1)"
        " && !e.closest('#blocks') }).map(e => e.outerHTML.slice(0, 80))"
    )
    assert outside == []
    clipped = browser.execute_script(
        "return [...document.querySelectorAll('.key, .switch, .publish button, .handset button, h2:not(.unseen)')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 2).map(e => e.textContent)"
    )
    assert clipped == []
    covered = browser.execute_script(
        "const h = document.querySelector('.handset').getBoundingClientRect();"
        "return [...document.querySelectorAll('.card, #scan')].filter(e => { const r = e.getBoundingClientRect();"
        " return r.bottom > h.top && r.top < h.bottom && r.right > h.left && r.left < h.right }).length"
    )
    assert covered == 0
    assert complaints(browser) == []
