"""axe-core in a page: the rules of accessibility that a program can check."""

from typing import Any

from tests.browser.npm import installed

PACKAGE = "axe-core@4.11.0"
RUN = """async ([tags, without]) => {
    const rules = Object.fromEntries(without.map(rule => [rule, {enabled: false}]));
    const result = await axe.run(document, {runOnly: {type: "tag", values: tags}, rules});
    return result.violations.map(each => [each.id, each.nodes.map(node => node.html.slice(0, 160))]);
}"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Any, *, without: tuple[str, ...] = ()) -> list[Any]:
    """Return what axe finds on the page, except by some rules: pairs of a rule and elements.

    Skips the test where npm cannot install axe. A page with a content security policy needs `bypass_csp`.
    """
    script = installed(PACKAGE) / "node_modules" / "axe-core" / "axe.min.js"
    page.evaluate(script.read_text(encoding="utf-8"))
    return page.evaluate(RUN, [TAGS, list(without)])
