"""Meta-training whose meta-parameters are refreshed at some unrolls only."""
