"""The page Plan, by parts."""
