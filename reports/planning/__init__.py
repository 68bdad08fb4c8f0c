"""What a study would cost and see: planned from what another one measured."""
