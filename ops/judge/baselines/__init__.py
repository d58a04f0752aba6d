"""The classical methods that a model is judged beside, each behind ``schemas.restoration``."""
