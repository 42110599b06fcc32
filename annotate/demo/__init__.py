"""The demo's texts, all written for it. The responses' models are made up."""
