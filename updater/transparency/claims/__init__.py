"""What a log's entries say: five kinds of claim, each a value with one spelling."""
