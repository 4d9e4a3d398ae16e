"""Installing what was decided on: stage, sync, switch, prove, or roll back."""
