"""The files by which a publication says what it is: cards of data hubs, Croissant, RO-Crate, citation."""
