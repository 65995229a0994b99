"""Neural art: the paper's section 3.4 on real photographs and paintings."""
