"""What was measured of an encoder, as a table of a page."""

import html


def results_table(results):
    """A row for each result: protocol, value, and how it was measured.

    Args:
        results: list of `tfssl.transfer.Result`.

    Returns:
        HTML text.
    """
    rows = []
    for result in results:
        value = f"{100 * result.value:.2f} %"
        if result.std is not None:
            value += f" ± {100 * result.std:.2f}"
        if result.metric != "accuracy":
            value = html.escape(f"{result.value:.4g}, {result.metric}")
        how = "; ".join(
            f"{key.replace('_', ' ')} {setting}"
            for key, setting in result.settings.items()
            if setting is not None and not isinstance(setting, dict)
        )
        rows.append(
            f"<tr><td>{html.escape(result.title)}</td>"
            f"<td class='num'>{value}</td><td class='soft'>{html.escape(how)}</td></tr>"
        )
    return (
        "<table><tr><th>protocol</th><th>accuracy</th><th>measured how</th></tr>"
        f"{''.join(rows)}</table>"
    )
