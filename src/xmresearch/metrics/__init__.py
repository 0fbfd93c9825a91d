"""Metrics of experience: net scores, shares, their changes, and the answers they take."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.metrics.net_scores import NetScore as NetScore
    from xmresearch.metrics.net_scores import net_counts as net_counts
    from xmresearch.metrics.net_scores import net_difference as net_difference
    from xmresearch.metrics.net_scores import net_score as net_score
    from xmresearch.metrics.sample_sizes import mean_sample_size as mean_sample_size
    from xmresearch.metrics.sample_sizes import net_sample_size as net_sample_size
    from xmresearch.metrics.sample_sizes import share_sample_size as share_sample_size
    from xmresearch.metrics.share_changes import paired_change as paired_change
    from xmresearch.metrics.share_changes import share_difference as share_difference
    from xmresearch.metrics.share_changes import share_test as share_test
    from xmresearch.metrics.share_intervals import share_interval as share_interval
else:
    __getattr__, __dir__ = front_door(__name__)
