"""What a careful reviewer would ask about an attribution."""

from __future__ import annotations

from xmresearch import concerns

_SENTENCES = {
    "descriptive": "Credits describe which touchpoints lie on the way to a conversion; they are not causal effects.",
    "mandatory_step": "{channel} lies on {passed:,.0f} of {conversions:,.0f} converting journeys: a step that cannot be removed, whatever its credit.",
    "chain_misses_log": "The chain sends {chain:.1%} of the conversions through {channel}, the log {logged:.1%} ({passed:,.0f} of {conversions:,.0f}): it is wrong about the order of steps or how they repeat; {outside} of {channels} logged shares lie outside the chain's intervals.",
    "order_at_highest": "Order {order} is the highest that was compared: a chain that remembers more may fit better.",
    "few_conversions": "{conversions:.0f} conversions are few: {fewest} or more are advised.",
    "few_customers": "{customers} customers are few to tell how customers differ: {fewest} or more are advised, and intervals may be too narrow.",
    "independent_journeys": "Nothing says who took which journey, so journeys count as independent: where customers took several, intervals are too narrow.",
    "no_nulls": "Every journey converted, so nothing is known of journeys that did not.",
    "pooled_channels": "{channels} rare channels with {touches:.0f} touches are counted as one, '{name}'.",
    "same_forms": "{count} group(s) of touchpoints differ in letter case, blanks or Unicode form only, such as {labels}: they are counted apart (merge_forms makes them one).",
    "same_forms_rare": "{count} group(s) of touchpoints, too rare to be named, differ in letter case, blanks or Unicode form only: they are counted apart (merge_forms makes them one).",
    "reserved_labels": "The log has names that this study uses itself: they are kept apart, as {labels}.",
    "placeholder_labels": "{labels}: names by which a log says that it does not know the touchpoint, or counts several as one; they are shared credit like any other.",
    "path_sign": "{labels}: names that contain ' > ', which stands between touchpoints where paths are written out.",
    "other_separator": "{labels}: names that contain '{sign}', read as touchpoints of their own since the separator is '{separator}'; if the sign separates them, set paths.separator.",
    "longest_journey": "One journey of {touches:,} touches makes up {share:.0%} of all touches; half of the others have {typical} at most (max_touches leaves such journeys out).",
    "rare_conversions": "{count} of {conversions:.0f} conversions touched nothing but {touchpoints} touchpoint(s) on fewer than {min_cell} journeys, too rare to be shown, and are left out.",
    "same_time": "{count} event(s) are at the same time as the one before of their customer: they count in the order of the rows.",
    "after_conversion": "{count} touch(es) after a conversion were left out (after_conversion).",
    "later_conversions": "{count} conversion(s) after the first one of a case were left out (after_conversion).",
    "lost_after_conversion": "{count} journey(s) that did not convert are of customers of whom another journey did.",
    "not_complete": "{count} event(s) that do not complete an activity, such as starts, were left out (events.lifecycle).",
    "too_long": "{count} journey(s) of too many touches were left out (max_touches).",
    "empty_conversions": "{count} conversion(s) without a touchpoint were left out.",
    "empty_journeys": "{count} journey(s) without a touchpoint were left out.",
    "blank_touchpoints": "{count} event(s) without a touchpoint were left out.",
    "unknown_touchpoints": "{count} event(s) of touchpoints that the mapping lacks were left out.",
    "blank_customers": "{count} event(s) without a customer were left out.",
    "after_until": "{count} event(s) after the last moment that counts were left out.",
    "before_lookback": "{count} touch(es) before the look-back window were left out.",
    "repeats": "{count} repeated touch(es) were counted once.",
    "blank_values": "{count} conversion(s) have no value and count as worth 0.",
    "same_rows": "{count} event(s) are equal to the one before in customer, time, touchpoint and conversion: duplicates, if they are, count twice.",
    "value_without_conversion": "{count} value(s) without a conversion were left out.",
    "misspecified": "Resampled journeys spread the credit of {channel} {ratio:.1f} times as much as the chain does: its order is too low, or journeys differ in kind.",
    "shrunk": "The estimates of {count} channel(s) lie outside their own intervals, as at {channel}: the prior draws rare steps towards common ones.",
    "lift_disagrees": "A lift of {lift:.0f} conversions ({lower:.0f} to {upper:.0f}) was measured for {channel}; its credit is {credit:.0f}.",
    "unspent": "{channel} has no cost, so it has no return.",
    "unmatched_scores": "{count} survey score(s) belong to no touch in the log and were left out.",
    "blank_scores": "{count} survey answer(s) have no score and were left out of the means of touchpoints.",
    "unplaced_scores": "{count} survey score(s) name no channel, or no experience, and were left out of the comparison of channels.",
    "few_scores": "{touchpoint} has fewer than {least} scores: its mean is uncertain.",
}  # fmt: skip


class Concern(concerns.Concern):
    """One thing to ask about journeys and credits, of one of these kinds.

    descriptive, mandatory_step, chain_misses_log, order_at_highest, few_conversions, few_customers, independent_journeys, no_nulls,
    pooled_channels, misspecified, shrunk, lift_disagrees, unspent, unmatched_scores, blank_scores, unplaced_scores, few_scores, same_forms, same_forms_rare,
    reserved_labels, placeholder_labels, path_sign, other_separator, longest_journey, rare_conversions, or a key of
    `Journeys.left_out`.
    """

    sentences = _SENTENCES


def left_out_concerns(left_out: dict[str, int]) -> list[Concern]:
    """Return a concern for everything that was left out."""
    return [Concern(kind, {"count": count}) for kind, count in sorted(left_out.items()) if count]
