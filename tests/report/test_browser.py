"""The pages of a report and of suggestions in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from mmseg_sesam.io.suggestions import SUGGESTIONS_FOLDER
from mmseg_sesam.suggest import suggest


def test_build_report_works_in_a_browser(page: Path, browser: Any) -> None:
    browser.get(page.as_uri())
    wait_for(browser, 'document.getElementById("stage").dataset.shown')
    assert browser.get_log('browser') == []

    layers_toggle(browser)
    the_gallery_moves(browser)
    validation_images_show(browser)
    suggestions_show(browser)
    the_record_of_a_component_shows(browser)
    the_table_sorts(browser)
    fits_a_phone(browser)
    follows_the_dark(browser)
    assert browser.find_elements('css selector', '.plot .main-svg')
    # Reading the canvas, as this test does, earns a warning.
    levels = [entry['level'] for entry in browser.get_log('browser')]
    assert 'SEVERE' not in levels


def test_suggestions_work_in_a_browser(browser: Any, work_dir: Path) -> None:
    folder = work_dir / SUGGESTIONS_FOLDER
    found = suggest(work_dir, folder, 1, seconds=9, formats=['labelme'])
    # As wide as those of photos.
    first = found['suggestions'][0]
    Image.new('RGB', (1600, 262)).save(folder / first['picture'])

    browser.get((folder / 'suggestions.html').as_uri())

    picture = 'document.querySelector(".strip img")'
    wait_for(browser, f'{picture}.naturalWidth == 1600')
    assert browser.find_elements('css selector', 'article li')
    fits_a_phone(browser)
    strip = 'document.querySelector(".strip")'
    assert browser.execute_script(f'return {strip}.scrollWidth') == 1600
    follows_the_dark(browser)
    assert browser.get_log('browser') == []


def wait_for(browser: Any, expression: str) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    script = f'return {expression}'
    return WebDriverWait(browser, 20).until(
        lambda window: window.execute_script(script)
    )


def painted(browser: Any) -> int:
    """Opaque pixels of the labels on the stage."""
    return browser.execute_script(
        'const canvas = document.getElementById("labels");'
        'const data = canvas.getContext("2d").getImageData('
        '0, 0, canvas.width, canvas.height).data;'
        'return data.filter((value, i) => i % 4 == 3 && value).length'
    )


def press(browser: Any, key: str) -> None:
    browser.find_element('tag name', 'body').send_keys(key)


def layers_toggle(browser: Any) -> None:
    before = painted(browser)
    assert before > 0.9 * 40 * 48
    press(browser, '0')
    assert painted(browser) == 0
    browser.find_element('css selector', '[data-layer="weak label"]').click()
    assert painted(browser) == 3 * 24
    press(browser, '1')
    press(browser, '6')
    assert painted(browser) == 40 * 48
    press(browser, 'd')
    assert painted(browser) < 0.1 * 40 * 48
    press(browser, 'd')
    legend = browser.find_element('css selector', '[data-class="1"]')
    legend.click()
    assert 0 < painted(browser) < 40 * 48
    legend.click()


def the_gallery_moves(browser: Any) -> None:
    shown = 'document.getElementById("stage").dataset.shown'
    first = browser.execute_script(f'return {shown}')
    press(browser, '\ue014')
    second = wait_for(browser, f'{shown} != "{first}" && {shown}')
    press(browser, '\ue012')
    wait_for(browser, f'{shown} == "{first}"')
    browser.find_element('css selector', '[data-group="best"]').click()
    wait_for(browser, f'{shown} != "{first}"')
    assert second != first


def validation_images_show(browser: Any) -> None:
    shown = 'document.getElementById("stage").dataset.shown'
    group = '[data-group="validation, worst"]'
    # Of the layers on, leaves a round alone.
    press(browser, '6')
    press(browser, '4')
    browser.find_element('css selector', group).click()
    wait_for(browser, f'{shown}.includes("/data/")')
    # No round is there, so that the prediction shows in its place.
    assert painted(browser) == 40 * 48
    button = browser.find_element('css selector', '[data-layer=prediction]')
    assert button.get_attribute('aria-pressed') == 'true'
    press(browser, 'd')
    chosen = browser.find_element('css selector', '#compare option:checked')
    assert chosen.text == 'prediction against truth'
    press(browser, 'd')
    browser.find_element('css selector', '[data-group="best"]').click()
    wait_for(browser, f'!{shown}.includes("/data/")')


def suggestions_show(browser: Any) -> None:
    reason = browser.find_element('id', 'reason')
    assert not reason.is_displayed()
    browser.find_element('css selector', '[data-group="label next"]').click()
    shown = 'document.getElementById("stage").dataset.shown'
    wait_for(browser, f'{shown}.endsWith("deep/1")')
    assert reason.text == '1. It is rare.'
    stage, frame = (
        browser.find_element('css selector', name).rect
        for name in ('#stage', '#regions rect')
    )
    # The frame takes half of the width.
    assert 0.45 < frame['width'] / stage['width'] < 0.55
    browser.find_element('css selector', '[data-group="best"]').click()
    wait_for(browser, 'document.getElementById("reason").hidden')


def the_record_of_a_component_shows(browser: Any) -> None:
    from selenium.webdriver import ActionChains

    press(browser, 'p')
    assert browser.find_elements('css selector', '#prompts .dot')
    stage = browser.find_element('id', 'stage')
    ActionChains(browser).move_to_element(stage).perform()
    text = browser.find_element('id', 'record').text
    assert 'coverage' in text and 'masks chosen' in text
    # The names of verdicts are long.
    assert 'that is reliable' in text
    panel = 'document.getElementById("record")'
    widths = f'[{panel}.clientWidth, {panel}.scrollWidth]'
    width, needed = browser.execute_script(f'return {widths}')
    assert needed == width
    assert browser.find_elements('css selector', '#prompts rect')
    under = browser.find_element('css selector', 'span[data-layer="truth"]')
    assert under.text in 'abc'


def the_table_sorts(browser: Any) -> None:
    table = browser.find_element('css selector', 'table.sortable')
    column = table.find_elements('tag name', 'th')
    number = [cell.text for cell in column].index('weak pixels')
    button = column[number].find_element('tag name', 'button')

    def values() -> list[float]:
        rows = table.find_elements('css selector', 'tbody tr')
        cells = [row.find_elements('tag name', 'td')[number] for row in rows]
        return [float(cell.get_attribute('data-value')) for cell in cells]

    browser.execute_script('arguments[0].click()', button)
    assert values() == sorted(values(), reverse=True)
    assert column[number].get_attribute('aria-sort') == 'descending'
    browser.execute_script('arguments[0].click()', button)
    assert values() == sorted(values())


def fits_a_phone(browser: Any) -> None:
    metrics = dict(width=390, height=800, deviceScaleFactor=2, mobile=True)
    browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', metrics)
    width = 'document.documentElement.scrollWidth'
    assert wait_for(browser, f'{width} == 390')
    # Plots keep their height when the window is resized.
    heights = (
        '[...document.querySelectorAll(".plot")].map(p => p.offsetHeight)'
    )
    wait_for(browser, f'{heights}.every(height => height > 90)')


def follows_the_dark(browser: Any) -> None:
    feature = dict(name='prefers-color-scheme', value='dark')
    browser.execute_cdp_cmd(
        'Emulation.setEmulatedMedia', dict(features=[feature])
    )
    colour = 'getComputedStyle(document.body).backgroundColor'
    assert browser.execute_script(f'return {colour}') == 'rgb(21, 21, 20)'
