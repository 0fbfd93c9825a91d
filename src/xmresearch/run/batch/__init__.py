"""Run many studies on warm workers, and sum up what they say."""
