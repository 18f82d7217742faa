"""The box: display, keypad, sticks, clock and power behind the ports of `hw.ports`."""
