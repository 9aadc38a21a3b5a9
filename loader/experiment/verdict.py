"""What came out of an experiment, in sentences."""

from loader.experiment.experiments import PRIMARY, Report
from loader.server.remedies import told
from loader.terminal import counted

ALPHA = 0.05
MANY_IN_TWO_ARMS = 0.01


def signed(share: float | None) -> str:
    return "" if share is None else f"{share:+.1%}"


def interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:+.1%} to {high:+.1%}"


def probability(p: float | None) -> str:
    return "" if p is None else "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def any_time(row: dict) -> tuple[str, str]:
    """Return the interval of the lift and the p-value that hold at every look."""
    return interval(row["sequential_low"], row["sequential_high"]), probability(row["sequential_p_value"])


def verdict(report: Report) -> str:
    """Return in a sentence what to do: by the sequential test of the hit rate, shared among the arms (Bonferroni)."""
    if winner := report.experiment["winner"]:
        figures = f"By the figures: {finding(report)}" if report.rows else "There are no figures."
        return f"Concluded: {winner} won. {figures}"
    if not report.experiment["started_at"]:
        return told(f"Not started. Next: pgfeed experiment start {report.experiment['name']}")
    return finding(report)


def as_dict(report: Report) -> dict:
    """Return the report with its verdict, for programs."""
    return {"verdict": verdict(report), **vars(report)}


def finding(report: Report) -> str:
    """Return what the figures say."""
    if not report.rows:
        return "Nothing to report: no exposure whose attribution is over."
    if not report.check("sample ratio")["is_ok"]:
        return f"Do not decide on this: the split is broken ({report.check('sample ratio')['finding']})."
    two_arms = report.check("users in two arms")["value"]
    users = sum(row["user_count"] for row in report.rows if row["metric"] == PRIMARY)
    if two_arms > MANY_IN_TWO_ARMS * users:
        were = f"{counted(int(two_arms), 'user')} {'was' if two_arms == 1 else 'were'}"
        return f"Do not decide on this: {were} served by more than one arm."
    tests = report.tests()
    if not tests:
        return "Nothing is decided: too few users or no hits."
    return " ".join(sentence(report, row, ALPHA / (len(report.arms) - 1)) for row in tests)


def outcome_of(report: Report, row: dict, alpha: float) -> str:
    """Return what is known of an arm beside the baseline: better, worse, equal (within the expected lift) or open."""
    low, high, p_value = row["sequential_low"], row["sequential_high"], row["sequential_p_value"]
    least = report.experiment["expected_lift"]
    # What was proved at an earlier look may no longer be what today's lift says: then nothing is claimed.
    if p_value is not None and p_value < alpha and row["lift"] * (low + high) > 0:
        return "better" if low + high > 0 else "worse"
    return "equal" if low is not None and -least < low and high < least else "open"


def what_now(report: Report) -> str:
    """Return what to do next, with the command."""
    experiment, name = report.experiment, report.experiment["name"]
    if experiment["winner"]:
        return "What now: nothing, the experiment is concluded."
    if not experiment["started_at"]:
        return f"What now: start it by `pgfeed experiment start {name}`."
    if not report.rows:
        return f"What now: wait, likes count for {report.attribution} after an exposure."
    tests = report.tests()
    if finding(report).startswith("Do not decide") or not tests:
        return "What now: find out why users are lost or change arms, see the checks; then start a new experiment."
    outcomes = {row["arm"]: outcome_of(report, row, ALPHA / (len(report.arms) - 1)) for row in tests}
    better = [row for row in tests if outcomes[row["arm"]] == "better"]
    if "open" in outcomes.values() and not better:
        days = max((row["days_needed"] or 0 for row in tests if outcomes[row["arm"]] == "open"), default=0)
        wait = f"let it run, at least {counted(days, 'more day')}" if days else "let it run, or give it up"
        if experiment["stopped_at"]:
            wait = "it was stopped too early to tell; start a new one that runs longer"
        return f"What now: {wait}."
    winner = max(better, key=lambda row: row["value"])["arm"] if better else report.arms[0]["arm"]
    return f"What now: conclude it by `pgfeed experiment conclude {name} {winner}`."


def sentence(report: Report, row: dict, alpha: float) -> str:
    """Return what is known of one arm."""
    base = report.row(PRIMARY, report.arms[0]["arm"])
    least = report.experiment["expected_lift"]
    low, high = row["sequential_low"], row["sequential_high"]
    name, other = row["arm"], base["arm"]
    gain = f"a lift of {signed(row['lift'])}" + ("" if low is None else f" ({interval(low, high)})")
    outcome = outcome_of(report, row, alpha)
    if outcome in ("better", "worse"):
        return f"{name} is {outcome} than {other}: HitRate@5 {row['value']:.3f} against {base['value']:.3f}, {gain}."
    if outcome == "equal":
        return f"{name} is neither better nor worse than {other} by {least:.0%}: {gain}."
    is_over = report.experiment["winner"] or row["days_needed"] is None
    undecided = f"{name} against {other} is not decided: {gain} so far"
    if is_over:
        return f"{undecided}."
    days = counted(max(row["days_needed"], 1), "more day")
    return f"{undecided}; to show one of {least:.0%} takes at least {days}."
