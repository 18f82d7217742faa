"""GPIO lines by libgpiod's own binding, for gpiozero."""
