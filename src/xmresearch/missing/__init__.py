"""Blank answers: which there are, whether they are random, and estimates that leave nobody out for them.

Examples
--------
>>> import xmresearch as xm
>>> survey = xm.load_survey("answers.csv", codebook="servqual")
>>> xm.missing.patterns(survey.frame, ["p1", "p2", "p3"])
"""

from typing import TYPE_CHECKING

from xmresearch.lazy import front_door

if TYPE_CHECKING:
    from xmresearch.missing.answer_patterns import PatternResult as PatternResult
    from xmresearch.missing.answer_patterns import patterns as patterns
    from xmresearch.missing.blank_answers import BlankAnswers as BlankAnswers
    from xmresearch.missing.blank_answers import blanks as blanks
    from xmresearch.missing.chained_equations import impute as impute
    from xmresearch.missing.imputations import Imputations as Imputations
    from xmresearch.missing.little import LittleResult as LittleResult
    from xmresearch.missing.little import little_test as little_test
    from xmresearch.missing.pooled_tests import PooledTest as PooledTest
    from xmresearch.missing.pooled_tests import pool_chisq as pool_chisq
    from xmresearch.missing.pooled_tests import pool_likelihood_ratio as pool_likelihood_ratio
    from xmresearch.missing.pooled_tests import pool_wald as pool_wald
    from xmresearch.missing.rubin import PooledResult as PooledResult
    from xmresearch.missing.rubin import pool as pool
else:
    __getattr__, __dir__ = front_door(__name__)
