"""Data sets as tidy tables, and the players and targets of their items.

A tidy table has one row per item, with its split, its label and what models read of it. Columns: ``item`` (int32,
position in the origin), ``split`` (``train`` or ``test``), ``label`` (int16; float64 where it is a number
that is to be predicted), and

- ``text`` (string), or
- an array of float32, flattened, whose shape the schema's metadata key ``shape`` holds as JSON: ``image`` (in [0, 1];
  [C, H, W]), ``features`` ([F]; standardised) or ``points`` ([P, 3]; with ``part``, the number of each point's part, if
  parts are given).

The metadata key ``classes`` holds the names of the labels 0, 1, … as JSON, where classes have names. Of features the
key ``columns`` maps each column of the origin to its positions among the F; the column ``row`` (a struct of these
columns) has the cells as they were, with their types and units, for models that read those. Of images, the column
``file`` (binary) may hold the files of a few, with which pretrained models are compared with their library.
"""
