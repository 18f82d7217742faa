"""What the vault is asked, what it answers, and how both travel."""
