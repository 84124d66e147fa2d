"""Words in the strongest interactions that both models share."""

import pandas as pd

strongest = pd.read_csv(snakemake.input[0])  # noqa: F821 - Snakemake puts it here
shared = strongest[(strongest["method"] == "generalizable") & strongest["shared"]]
words = shared.assign(word=shared["members"].str.split(", ")).explode("word")
strength = words["strength"].abs().groupby(words["word"]).sum().sort_values(ascending=False)
strength.rename_axis("word").reset_index().to_csv(snakemake.output[0], index=False)  # noqa: F821
