"""What is done in each example in a browser: the same in every framework, for their pages have the same words."""

from playwright.sync_api import Browser, Locator, Page, expect

PATIENCE = 100  # looks, until what was captured is in the log
PHONE = "+47 22 33 44 55"
SENTENCES = (
    "Anna Berg updated Bob Li's profile changed: phone",
    "Anna Berg approved Bob Li's absence",
    "Anna Berg gave Bob Li the role Manager",
)


def as_anna(browser: Browser, address: str) -> None:
    """Anna gives Bob a phone, approves his absence, makes him a manager, and reads so on the page mounted there."""
    page = entered(browser, address, "Anna Berg")
    bob = page.locator("section", has_text="Bob Li")
    bob.get_by_label("Phone").fill(PHONE)
    bob.get_by_role("button", name="Save").click()
    bob.get_by_role("button", name="Approve").click()
    expect(bob.get_by_text("approved")).to_be_visible()
    bob.get_by_role("button", name="Make manager").click()
    page.get_by_role("link", name="Activity").click()
    expect(page).to_have_url(f"{address}/activity/orgs/acme/activity?category.not=activity_log")
    for sentence in SENTENCES:
        expect(shown(page, sentence)).to_have_count(1)
    assert PHONE not in page.content()
    page.context.close()


def as_bob(browser: Browser, address: str) -> None:
    """Bob changes his own name, which Anna reads; he himself is refused, and whoever is nobody is sent to sign in."""
    page = entered(browser, address, "Bob Li")
    bob = page.locator("section", has_text="Bob Li")
    bob.get_by_label("Name").fill("Bob Lie")
    bob.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Activity log")
    assert "Bob Lie" not in page.locator("main").inner_text()
    page.context.clear_cookies()
    page.reload()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.context.close()
    anna = entered(browser, address, "Anna Berg")
    expect(shown(anna, "Bob Li updated their own profile changed: last name")).to_have_count(1)
    anna.context.close()


def entered(browser: Browser, address: str, name: str) -> Page:
    """The first page of the host, with somebody signed in."""
    page = browser.new_context(base_url=address).new_page()
    page.set_default_timeout(90_000)
    page.goto("/")
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_text(f"Signed in as {name}")).to_be_visible()
    return page


def shown(page: Page, sentence: str) -> Locator:
    """The entry of the mounted page with this sentence, once it is in the log."""
    for _ in range(PATIENCE):
        page.goto("/activity/")
        row = page.locator("li.row", has_text=sentence)
        if row.count():
            return row
        page.wait_for_timeout(100)
    raise AssertionError(f"{sentence!r} is not among {page.locator('li.row').all_inner_texts()}")
