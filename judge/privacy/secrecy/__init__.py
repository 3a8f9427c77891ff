"""Selective secrecy (Abadi & Andersen 2016, arXiv:1610.06918): an estimate that hides the group."""
