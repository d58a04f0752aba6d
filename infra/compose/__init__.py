"""pulselake on one machine, and the buckets that it asks for."""
