"""Private synthetic people, membership attacks that check the claim, and selective secrecy."""
