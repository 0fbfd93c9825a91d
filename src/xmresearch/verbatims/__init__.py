"""Verbatims: what people write in their own words, in Chinese and English."""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.verbatims.aspect_sentiment import aspects as aspects
    from xmresearch.verbatims.aspect_sentiment import by_theme as by_theme
    from xmresearch.verbatims.before_and_after import theme_changes as theme_changes
    from xmresearch.verbatims.classifier_shift import shift_limits as shift_limits
    from xmresearch.verbatims.clauses import clauses_of as clauses_of
    from xmresearch.verbatims.codeframes import Codeframe as Codeframe
    from xmresearch.verbatims.codeframes import load_codeframe as load_codeframe
    from xmresearch.verbatims.codeframes import parse_codeframe as parse_codeframe
    from xmresearch.verbatims.coding_errors import CodeErrors as CodeErrors
    from xmresearch.verbatims.coding_errors import code_errors as code_errors
    from xmresearch.verbatims.coding_errors import coder_ceiling as coder_ceiling
    from xmresearch.verbatims.duplicates import Duplicates as Duplicates
    from xmresearch.verbatims.duplicates import find_duplicates as find_duplicates
    from xmresearch.verbatims.emotion_index import EmotionOverTime as EmotionOverTime
    from xmresearch.verbatims.emotion_index import emotion_over_time as emotion_over_time
    from xmresearch.verbatims.emotion_index import successive_changes as successive_changes
    from xmresearch.verbatims.error_rates import ErrorRates as ErrorRates
    from xmresearch.verbatims.held_out_errors import SentimentErrors as SentimentErrors
    from xmresearch.verbatims.held_out_errors import label_curve as label_curve
    from xmresearch.verbatims.held_out_errors import sentiment_errors as sentiment_errors
    from xmresearch.verbatims.languages import language_of as language_of
    from xmresearch.verbatims.learned_codes import LearnedCodes as LearnedCodes
    from xmresearch.verbatims.learned_codes import codes_out_of_fold as codes_out_of_fold
    from xmresearch.verbatims.learned_codes import learn_codes as learn_codes
    from xmresearch.verbatims.links_with_outcomes import ThemeLinks as ThemeLinks
    from xmresearch.verbatims.links_with_outcomes import theme_links as theme_links
    from xmresearch.verbatims.new_topics import topics_since as topics_since
    from xmresearch.verbatims.outside_scores import corrected_flags as corrected_flags
    from xmresearch.verbatims.outside_scores import stated_rates as stated_rates
    from xmresearch.verbatims.pain_ranks import PainPoints as PainPoints
    from xmresearch.verbatims.pain_ranks import pain_points as pain_points
    from xmresearch.verbatims.prevalence import CorrectedShares as CorrectedShares
    from xmresearch.verbatims.prevalence import corrected_shares as corrected_shares
    from xmresearch.verbatims.probabilities import calibration_error as calibration_error
    from xmresearch.verbatims.quotes import exemplars as exemplars
    from xmresearch.verbatims.quotes import plain_quote as plain_quote
    from xmresearch.verbatims.score_counts import LabelledScores as LabelledScores
    from xmresearch.verbatims.score_counts import ScoreCounts as ScoreCounts
    from xmresearch.verbatims.segmentation import words_of as words_of
    from xmresearch.verbatims.sentiment import SentimentModel as SentimentModel
    from xmresearch.verbatims.sentiment import lexicon_model as lexicon_model
    from xmresearch.verbatims.sentiment_counts import SentimentCounts as SentimentCounts
    from xmresearch.verbatims.sentiment_counts import count_sentiment as count_sentiment
    from xmresearch.verbatims.sentiment_files import load_sentiment as load_sentiment
    from xmresearch.verbatims.sentiment_files import save_sentiment as save_sentiment
    from xmresearch.verbatims.sentiment_training import train_sentiment as train_sentiment
    from xmresearch.verbatims.text_record import TextRecord as TextRecord
    from xmresearch.verbatims.text_record import record_texts as record_texts
    from xmresearch.verbatims.texts import normalised as normalised
    from xmresearch.verbatims.texts import simplified as simplified
    from xmresearch.verbatims.topics import TopicResult as TopicResult
    from xmresearch.verbatims.topics import find_topics as find_topics
    from xmresearch.verbatims.touchpoint_cells import ThemeTouchpoints as ThemeTouchpoints
    from xmresearch.verbatims.touchpoint_cells import theme_touchpoints as theme_touchpoints
    from xmresearch.verbatims.vocabulary import word_frequencies as word_frequencies
    from xmresearch.verbatims.word_clouds import WordCloudResult as WordCloudResult
    from xmresearch.verbatims.word_clouds import word_cloud as word_cloud
else:
    __getattr__, __dir__ = front_door(__name__)
