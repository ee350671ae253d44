"""Frame of the pages: what they look like."""

import html

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}<title>{title}</title>
<style>
:root {{ --ink: #1d2127; --soft: #667; --line: #d9dce3; --paper: #fbfbfa;
  --card: #fff; --accent: #0072b2; --good: #009e73; --bad: #d55e00; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e8e8e4; --soft: #9aa0ac;
  --line: #343a44; --paper: #15181d; --card: #1d2127; --accent: #56b4e9; }} }}
* {{ box-sizing: border-box }}
body {{ margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }}
main {{ max-width: 1040px; margin: 0 auto; padding: 40px 20px 80px }}
h1 {{ font-size: 2rem; line-height: 1.2; margin: 0 0 .3em; text-wrap: balance }}
h2 {{ font-size: 1.25rem; margin: 2.6em 0 .3em }}
p {{ max-width: 68ch; margin: .3em 0 1em }} .soft {{ color: var(--soft) }}
.numbers {{ display: flex; flex-wrap: wrap; gap: 12px; margin: 24px 0 }}
.numbers div {{ background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; padding: 12px 18px; min-width: 130px }}
.numbers b {{ display: block; font-size: 1.6rem; font-variant-numeric: tabular-nums }}
.numbers span {{ color: var(--soft); font-size: .85rem }}
.grid {{ display: grid; gap: 16px;
  grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)) }}
.card {{ background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; padding: 12px 14px; break-inside: avoid }}
.card h3 {{ margin: 0; font-size: .95rem }}
.card p {{ margin: 0; font-size: .82rem; color: var(--soft) }}
svg {{ width: 100%; height: auto; display: block }} svg.wide {{ max-width: 640px }}
.axis {{ stroke: var(--line) }} .tick {{ fill: var(--soft); font-size: 11px }}
.wide .tick {{ font-size: 13px }} .end {{ text-anchor: end }}
.middle {{ text-anchor: middle }}
.curve {{ fill: none; stroke: var(--accent); stroke-width: 2 }}
.last {{ fill: var(--accent) }} .hit {{ fill: transparent }}
.error {{ stroke: var(--ink); stroke-width: 2 }}
.row {{ display: flex; gap: 6px; margin-bottom: 6px; align-items: flex-end }}
.pic {{ margin: 0; width: 84px }} .pic img {{ width: 100%; display: block;
  image-rendering: pixelated; border-radius: 5px; border: 3px solid transparent }}
.pic figcaption {{ font-size: .68rem; color: var(--soft); text-align: center;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap }}
.good img {{ border-color: var(--good) }} .bad img {{ border-color: var(--bad) }}
.first {{ margin-right: 14px }} .scroll {{ overflow-x: auto }}
.legend span {{ margin-right: 14px; font-size: .85rem; white-space: nowrap }}
.legend i {{ display: inline-block; width: .8em; height: .8em; border-radius: 50%;
  margin-right: 5px }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem }}
th, td {{ text-align: left; padding: 7px 12px 7px 0; vertical-align: top;
  border-bottom: 1px solid var(--line) }} td.num {{ font-variant-numeric: tabular-nums;
  white-space: nowrap; font-weight: 600 }}
details {{ margin-top: 1em }} pre {{ overflow-x: auto; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; padding: 14px; font-size: .8rem }}
{style}</style></head><body><main>
{body}
</main><script>
{script}</script></body></html>
"""


def page(title, body, *, head="", style="", script=""):
    """A page that is one file and refers to no other.

    Args:
        title: string.
        body: HTML.
        head: HTML for its head. Defaults to none.
        style: more CSS. Defaults to none.
        script: more JavaScript. Defaults to none.

    Returns:
        HTML text.

    Example:
        >>> from tfssl.pages import page
        >>> "<title>Cats &amp; dogs</title>" in page("Cats & dogs", "<h1>Both</h1>")
        True
    """
    parts = {"head": head, "style": style, "script": script}
    return _PAGE.format(title=html.escape(title), body=body, **parts)
