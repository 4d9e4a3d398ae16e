"""One version takes the place of another: stage, probe, switch, launch, go back."""
