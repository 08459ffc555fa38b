"""What each step of a walk from one network to another adds, averaged over orders of the steps."""
