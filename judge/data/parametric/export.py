"""Writes a parametric population, or a set of twins, into a folder that others can load (CC0).

For the command line:

    main_parametric(n, out, *, seed=0, size=128, mode="independent", composition=None, camera="varied",
                    ratings=None, population=None, picture_format="jpeg", sheet=False, workers=None,
                    cache_dir=None) -> Path                                  (judge data parametric)
    main_twins(n, out, *, tones=5, placebo=True, seed=0, size=128, mode="independent", sheet=False,
               workers=None, cache_dir=None) -> Path                         (judge data twins)

Both return the folder, are restartable, and raise InputError for a wrong setting.
"""
