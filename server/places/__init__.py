"""Where signers stand on a server: a kind of place is one module, its settings and how it is filled."""
