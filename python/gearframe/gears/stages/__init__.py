"""What each step of a plan does to the batches of records that pass through it."""
