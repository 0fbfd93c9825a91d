"""Metrics of experience: scores with their intervals, changes, banner tables, many groups, indices, agreement."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.metrics.adjusted_tests import adjust as adjust
    from xmresearch.metrics.adjusted_tests import group_test as group_test
    from xmresearch.metrics.adjusted_tests import pairwise_shares as pairwise_shares
    from xmresearch.metrics.adjusted_tests import table_test as table_test
    from xmresearch.metrics.banner_questions import Question as Question
    from xmresearch.metrics.banner_tables import BannerTable as BannerTable
    from xmresearch.metrics.banner_tables import banner as banner
    from xmresearch.metrics.change_parts import ChangeParts as ChangeParts
    from xmresearch.metrics.change_parts import gap_change as gap_change
    from xmresearch.metrics.change_parts import mix_and_score as mix_and_score
    from xmresearch.metrics.composite_indices import CompositeIndex as CompositeIndex
    from xmresearch.metrics.composite_indices import composite_index as composite_index
    from xmresearch.metrics.composite_indices import indicator_scores as indicator_scores
    from xmresearch.metrics.composite_indices import satisfaction_index as satisfaction_index
    from xmresearch.metrics.cumulative_links import CumulativeLink as CumulativeLink
    from xmresearch.metrics.cumulative_links import cumulative_link as cumulative_link
    from xmresearch.metrics.cumulative_links import likelihood_ratio as likelihood_ratio
    from xmresearch.metrics.cumulative_links import profile_interval as profile_interval
    from xmresearch.metrics.cumulative_links import proportional_odds_tests as proportional_odds_tests
    from xmresearch.metrics.data_weights import entropy_of as entropy_of
    from xmresearch.metrics.data_weights import weights_from_data as weights_from_data
    from xmresearch.metrics.expert_judgements import ExpertWeights as ExpertWeights
    from xmresearch.metrics.expert_judgements import expert_weights as expert_weights
    from xmresearch.metrics.indicator_trees import IndicatorTree as IndicatorTree
    from xmresearch.metrics.indicator_trees import check_tree as check_tree
    from xmresearch.metrics.indicator_trees import indicator_tree as indicator_tree
    from xmresearch.metrics.krippendorff import krippendorff_alpha as krippendorff_alpha
    from xmresearch.metrics.league_tables import draws_of_groups as draws_of_groups
    from xmresearch.metrics.league_tables import funnel_limits as funnel_limits
    from xmresearch.metrics.league_tables import outlying as outlying
    from xmresearch.metrics.league_tables import rank_chances as rank_chances
    from xmresearch.metrics.made_weights import ResampledWeights as ResampledWeights
    from xmresearch.metrics.made_weights import resampled_weights as resampled_weights
    from xmresearch.metrics.many_groups import PooledGroups as PooledGroups
    from xmresearch.metrics.many_groups import pool_means as pool_means
    from xmresearch.metrics.many_groups import pool_shares as pool_shares
    from xmresearch.metrics.measures import Measure as Measure
    from xmresearch.metrics.measures import answers_in as answers_in
    from xmresearch.metrics.measures import mean_score as mean_score
    from xmresearch.metrics.measures import net_promoter_measure as net_promoter_measure
    from xmresearch.metrics.measures import net_recommendation_measure as net_recommendation_measure
    from xmresearch.metrics.measures import top_boxes as top_boxes
    from xmresearch.metrics.mixed_cumulative_links import mixed_cumulative_link as mixed_cumulative_link
    from xmresearch.metrics.net_scores import NetScore as NetScore
    from xmresearch.metrics.net_scores import net_counts as net_counts
    from xmresearch.metrics.net_scores import net_difference as net_difference
    from xmresearch.metrics.net_scores import net_score as net_score
    from xmresearch.metrics.public_service_grades import service_grades as service_grades
    from xmresearch.metrics.rater_agreement import RaterAgreement as RaterAgreement
    from xmresearch.metrics.rater_agreement import cohen_kappa as cohen_kappa
    from xmresearch.metrics.rater_agreement import fleiss_kappa as fleiss_kappa
    from xmresearch.metrics.rater_agreement import intraclass as intraclass
    from xmresearch.metrics.sample_sizes import mean_sample_size as mean_sample_size
    from xmresearch.metrics.sample_sizes import net_sample_size as net_sample_size
    from xmresearch.metrics.sample_sizes import share_sample_size as share_sample_size
    from xmresearch.metrics.scores_by_group import GroupScores as GroupScores
    from xmresearch.metrics.scores_by_group import group_scores as group_scores
    from xmresearch.metrics.share_changes import paired_change as paired_change
    from xmresearch.metrics.share_changes import share_difference as share_difference
    from xmresearch.metrics.share_changes import share_test as share_test
    from xmresearch.metrics.share_intervals import share_interval as share_interval
    from xmresearch.metrics.wave_changes import Change as Change
    from xmresearch.metrics.wave_changes import against_benchmark as against_benchmark
    from xmresearch.metrics.wave_changes import correlation_of_waves as correlation_of_waves
    from xmresearch.metrics.wave_changes import matched_change as matched_change
    from xmresearch.metrics.wave_changes import unpaired_change as unpaired_change
else:
    __getattr__, __dir__ = front_door(__name__)
