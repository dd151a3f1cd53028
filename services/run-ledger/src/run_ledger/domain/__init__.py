"""What the history means, pure: facts, folds, stories and decisions."""
