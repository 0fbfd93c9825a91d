"""The study of journeys: how long they take, where time is lost, which paths they go, how they are felt."""
