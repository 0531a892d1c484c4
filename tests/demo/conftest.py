"""What the demo's tests share."""

from tests.browser import browser, chromium
from tests.demo.stage_fixture import live_stage

__all__ = ["browser", "chromium", "live_stage"]
