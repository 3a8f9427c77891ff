"""What `judge explore` shows, from finished runs or from anybody's table: fields of entrants and their contests."""
