"""config.yaml, read strictly, and the policy that it becomes when the operator approves it."""
