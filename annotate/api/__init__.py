"""The REST API, version 1: the second door to the verbs, beside the pages. docs/api.md tells its manners."""
