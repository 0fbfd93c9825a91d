"""The designs of R's package survey, made once."""

import pytest
from survey_reference import designs_of_r


@pytest.fixture(scope="session")
def designs():
    return designs_of_r()
