"""What a stranger needs to trust, cite and use a run or a data set, in one folder. `judge publish`.

`sources` reads a run's folder or a data set's into a `Material`; `disclosure` takes out of it whatever is of people who
exist: pictures, paths, names. `folder.publish` writes the tables, the pictures of people who do not exist, the judges
and, of each publication,

    README.md                  the card that data hubs read; judges/NAME/README.md a card a judge
    croissant.json             Croissant with its fields of responsible AI (`responsible`)
    ro-crate-metadata.json     an RO-Crate
    CITATION.cff               how to cite it
    SHA256SUMS                 a checksum a file, for sha256sum -c

`formats` has a file each of these; `validation` asks the formats' own validators.
"""

from judge.publication.folder import publish

__all__ = ["publish"]
