"""The receiver's side: opening, verifying, trust. It needs no hardware and no store."""
