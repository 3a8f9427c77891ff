"""What a run's settings leave open and how they are written: sizes that fit the people, own data sets, KEY=VALUE."""
