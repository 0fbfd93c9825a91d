"""Which touchpoints carry the journey? Attribution and journeys on transition counts."""
