"""What the authority does: each act in one transaction with its journal entry."""
