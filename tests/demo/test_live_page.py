"""The page on the real stage: what a person clicks goes through real wires, and what comes of it is shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from contract.topics import Up, terminal_subscription, up
from demo import cast
from demo.mqtt_client import MqttClient
from demo.page import page_app, serve
from demo.site import OTHER_TILL
from demo.view import DemoView
from tests.browser import complaints
from tests.demo.stage_fixture import PATIENCE_S, LiveStage
from tests.waiting import eventually

pytestmark = pytest.mark.browser


class Page:
    """The page in the browser, by what a person sees and clicks."""

    def __init__(self, browser: Chrome) -> None:
        self._browser = browser

    def find(self, selector: str) -> WebElement:
        return self._browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent).join('\\n')"
        return str(self._browser.execute_script(script, selector))

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.click(f'[data-key="{key}"]')

    def receipt(self, number: int) -> str:
        """The words of a slip on the page once its picture is drawn, empty before."""
        script = (
            "const slip = document.querySelector(`.receipt[data-receipt='${arguments[0]}'] img`);"
            "return slip && slip.naturalWidth > 500 ? slip.alt : ''"
        )
        return str(self._browser.execute_script(script, number))

    def sees(self, selector: str, *words: str) -> None:
        """Wait until the element's text holds all of ``words``."""

        def there() -> bool:
            text = self.text(selector)
            assert all(word in text for word in words), text
            return True

        eventually(there, PATIENCE_S)

    def glass_shows(self, *words: str) -> None:
        """Wait until the mirrored text holds ``words``, and the picture of that same frame is on the page."""
        self.sees("#tft-text", *words)
        eventually(
            lambda: self.find("#tft").get_attribute("data-frame") == self.find("#tft-text").get_attribute("data-frame"),
            PATIENCE_S,
        )


@pytest.fixture
def page(live_stage: LiveStage, browser: Chrome) -> Iterator[Page]:
    """The page of the live stage, in Chinese, nobody signed in at the till."""
    live_stage.hands.press("signout")
    live_stage.hands.see("请登录")
    with DemoView(live_stage.stage) as view:
        server = serve(page_app(view), 0)
        server.start()
        browser.get(f"{server.url}?lang=zh")
        yield Page(browser)
        browser.get("about:blank")
        server.close()
    live_stage.stage.counter.mend()
    if "请登录" in "".join(live_stage.stage.counter.glass.text):
        live_stage.hands.sign_in(*cast.CASHIER)


def test_a_sale_is_clicked_from_sign_in_to_head_offices_books_and_another_through_a_cut_cable(
    page: Page, live_stage: LiveStage, browser: Chrome
) -> None:
    slips = len(live_stage.stage.counter.roll.receipts)
    page.press(*cast.CASHIER[0], "enter", *cast.CASHIER[1], "enter")
    page.glass_shows("就绪")
    page.click('[data-card="gold"]')
    page.glass_shows("金卡")
    page.press(*"268.00", "enter")
    page.glass_shows("268.00", "金卡9折", "满200减20", "221.20")
    page.press("cash")
    page.glass_shows("收款完成", "221.20")
    eventually(lambda: "221.20" in page.receipt(slips + 1), PATIENCE_S)
    page.sees("#sales li:first-child", "268.00", "221.20", "复算一致", "签名", "链", "会员一 +221")
    assert page.text("#balance") == "借贷相等"

    page.click("#network")
    page.glass_shows("离线")
    page.press(*"50.00", "enter", "cash")
    page.glass_shows("离线 · 1 笔待传", "50.00")
    page.sees("#journal-backlog", "1")
    assert "50.00" not in page.text("#sales li:first-child")
    page.click("#network")
    page.glass_shows("在线")
    page.sees("#sales li:first-child", "50.00", "复算一致")
    eventually(lambda: page.text("#journal-backlog") == "0", PATIENCE_S)
    assert page.text("#journal-head") == page.text("#journal-acked")
    assert complaints(browser) == []


def test_what_head_office_refuses_is_told_on_the_page_as_it_happens(page: Page, live_stage: LiveStage) -> None:
    home = live_stage.stage.site.terminal(OTHER_TILL) / "identity"
    villain = MqttClient(live_stage.stage.broker_address, home)
    villain.open(terminal_subscription(OTHER_TILL))
    try:
        villain.publish(up(OTHER_TILL, Up.WANT), b"\xff" * 7)
    finally:
        villain.close()
    page.sees("#exceptions", "not_cbor")
    page.sees("#events", "总部:not_cbor")


def test_the_lang_key_turns_the_glass_to_english_and_the_page_says_so(page: Page) -> None:
    page.press("lang")
    page.glass_shows("Cashier number")
    eventually(lambda: page.find("#tft-text").get_attribute("lang") == "en", PATIENCE_S)
    page.press("lang")
    page.glass_shows("请登录")
    eventually(lambda: page.find("#tft-text").get_attribute("lang") == "zh-CN", PATIENCE_S)
