"""The pages of the comparing: boards and bias reports."""
