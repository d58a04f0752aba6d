"""What a row means: column names, types, units and rules of every table of the lake."""
