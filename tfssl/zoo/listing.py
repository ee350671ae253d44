"""How encoders are listed: a line for each."""


class Listing(dict):
    """Names and summaries of encoders; shown as one line for each."""

    def __repr__(self):
        width = max(map(len, self), default=0)
        lines = [f"{name:{width}}  {_line(self[name])}" for name in self]
        return "\n".join(lines) or "(no encoders)"


def _line(summary):
    facts = {**summary}
    start = f"{facts.pop('method', '?')} on {facts.pop('dataset', '?')}"
    named = [f"{key.replace('_', ' ')} {_short(facts[key])}" for key in facts]
    return ", ".join([start, *named])


def _short(value):
    return f"{value:.4f}" if isinstance(value, float) else value
