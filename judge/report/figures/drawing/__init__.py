"""What figures are drawn with: the paper that they have to fit, and fonts for letters that their own font lacks."""
