"""A learned rule that is asked at some steps only: quality against cost."""
