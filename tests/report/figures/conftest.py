import pytest
from matplotlib.text import Text


def _words(figure):
    figure.draw_without_rendering()
    return "\n".join(text.get_text().replace(r"\$", "$") for text in figure.findobj(Text))


def _marker(figure, gid):
    found = [line for ax in figure.axes for line in ax.lines if line.get_gid() == gid]
    assert len(found) == 1, gid
    return float(found[0].get_xdata()[0]), float(found[0].get_ydata()[0])


@pytest.fixture(scope="session")
def words():
    """Function: everything that is written in a figure, as one string."""
    return _words


@pytest.fixture(scope="session")
def marker():
    """Function: x and y of the one marker that carries an id."""
    return _marker
