"""The paper's appendix: averaging cells and external memories on convex problems."""
