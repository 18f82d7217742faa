"""The OLED: its driver, its bus, and its twin."""
