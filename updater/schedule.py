"""Background checks by the timer or cron of the user."""
