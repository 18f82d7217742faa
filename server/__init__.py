"""The server's side: what a receiver does with archives once they are opened. It stands on core alone."""
