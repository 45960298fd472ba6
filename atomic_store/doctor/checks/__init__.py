"""What facts mean: one module a question, each check a pure function from facts to a finding."""
