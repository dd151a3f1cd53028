"""What follows an outcome, which addresses are public, how a webhook is signed: functions over values."""
