"""Linkage: experience, behaviour and results within branches, between them and over time; staff, agreement and matching."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.linkage.agreement import Climate as Climate
    from xmresearch.linkage.agreement import climate as climate
    from xmresearch.linkage.agreement import intraclass as intraclass
    from xmresearch.linkage.agreement import rwg as rwg
    from xmresearch.linkage.branch_comparison import AdjustedBranches as AdjustedBranches
    from xmresearch.linkage.branch_comparison import adjusted_branches as adjusted_branches
    from xmresearch.linkage.lagged_links import CrossLag as CrossLag
    from xmresearch.linkage.lagged_links import cross_lag as cross_lag
    from xmresearch.linkage.lagged_links import waves_of as waves_of
    from xmresearch.linkage.link_errors import BoundedEffect as BoundedEffect
    from xmresearch.linkage.link_errors import linkage_bounds as linkage_bounds
    from xmresearch.linkage.link_errors import wrong_share as wrong_share
    from xmresearch.linkage.link_levels import WithinBetween as WithinBetween
    from xmresearch.linkage.link_levels import within_between as within_between
    from xmresearch.linkage.matched_sources import Matching as Matching
    from xmresearch.linkage.matched_sources import matching as matching
    from xmresearch.linkage.moments_by_branch import BranchMoments as BranchMoments
    from xmresearch.linkage.moments_by_branch import branch_moments as branch_moments
    from xmresearch.linkage.service_chain import ProfitChain as ProfitChain
    from xmresearch.linkage.service_chain import profit_chain as profit_chain
else:
    __getattr__, __dir__ = front_door(__name__)
