"""axe in a page: what it finds wrong there, without the long lists of what it finds right.

Every rule looks at the whole page but one: contrast, the slowest by far, looks at one text of each kind. Texts are of
one kind if they and all that they lie in have the same element, class, colours, size and weight: on these alone
contrast depends, and a page may hold thousands of cells that look alike.
"""

from collections.abc import Iterable
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page
from tests.amounts import amount

# Each theme and each width; `make torture` has each with each.
SCREENS = [("light", 320), ("dark", 1280), ("light", 1280), ("dark", 320)][: amount(2, 4, 4)]
CONTRAST = "color-contrast"
_RUN = """
async ([contrast, off]) => {
    const looks = ['color', 'backgroundColor', 'backgroundImage', 'opacity', 'fontSize', 'fontWeight'];
    const kinds = new Map();
    const kind = element => {
        if (!element) return '';
        if (!kinds.has(element)) {
            const style = getComputedStyle(element);
            const own = [element.tagName, element.className, ...looks.map(look => style[look])];
            kinds.set(element, kind(element.parentElement) + own.join());
        }
        return kinds.get(element);
    };
    const says = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    const texts = [...document.querySelectorAll('body *')].filter(says);
    const include = [...new Map(texts.map(element => [kind(element), element])).values()];
    const ask = {resultTypes: ['violations']};
    const rules = Object.fromEntries([contrast, ...off].map(rule => [rule, {enabled: false}]));
    const whole = await axe.run(document, {...ask, rules});
    const some = await axe.run({include}, {...ask, runOnly: [contrast]});
    return [...whole.violations, ...some.violations].map(v => [v.id, v.nodes.map(node => node.html)]);
}
"""


def on_screen(paths: Iterable[str], screen: tuple[str, int]) -> list[str]:
    """The pages that axe looks at on a screen: in `make test` each of them on one, in `make torture` on every one."""
    return list(paths)[SCREENS.index(screen) % amount(2, 1, 1) :: amount(2, 1, 1)]


def violations(page: Page, *off: str) -> list[list[Any]]:
    """Each rule that the page breaks, with the elements that break it; the rules in `off` are not asked."""
    page.evaluate(AXE_SCRIPT)
    faults: list[list[Any]] = page.evaluate(_RUN, [CONTRAST, list(off)])
    return faults
