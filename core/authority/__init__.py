"""What the authority does: each operation in one transaction with its journal entry."""
