"""What each verb of the `fss` command does, a module each: its arguments, and the work on them."""
