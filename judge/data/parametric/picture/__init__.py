"""How the parametric people look: a software renderer, the same to the bit in any process and order.

`scene` places the head, hair and glasses of a person, `raster` finds what each pixel sees, `skin`, `hair`
and `shade` give it colour, `noise` and the JPEG of `render` make a photograph of it. `render_jpeg` gives a
picture's file, `render_raw` the pixels before it is compressed; `masks` says which pixels are skin, eyes or
hair. `render_torch` is the same picture as a batch of tensors, for a graphics processor.
"""

from judge.data.parametric.picture.render import render_jpeg, render_raw

__all__ = ["render_jpeg", "render_raw"]
