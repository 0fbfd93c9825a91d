"""Monitoring: control charts, run rules and their run lengths, seasons, change points, forecasts, handling of feedback."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.monitoring.run_rules import RunRules as RunRules
    from xmresearch.monitoring.run_rules import RunsTest as RunsTest
    from xmresearch.monitoring.run_rules import rule_hits as rule_hits
    from xmresearch.monitoring.run_rules import runs_test as runs_test
else:
    __getattr__, __dir__ = front_door(__name__)
