# SPDX-License-Identifier: Apache-2.0
"""Random numbers with what was found for them, scored by SciPy and scikit-learn.  Writes
values.json beside it."""
import json
import os
import random

import scipy
import sklearn
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_absolute_error, root_mean_squared_error


def case(n, steps, noise, r):
    """Gold numbers that have `steps` values, so that there are ties."""
    gold = [r.randrange(steps) / 4 for _ in range(n)]
    found = [round(0.7 * g + r.gauss(0, noise), 1) for g in gold]
    return {"gold": gold, "found": found, "pearson": float(pearsonr(gold, found)[0]),
            "spearman": float(spearmanr(gold, found)[0]),
            "rmse": float(root_mean_squared_error(gold, found)),
            "mae": float(mean_absolute_error(gold, found))}


def main():
    r = random.Random(7)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "values.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"made_with": {"scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
                   "cases": [case(5, 20, 0.1, r), case(60, 21, 1.0, r), case(200, 5, 0.5, r)]},
                  out)
        out.write("\n")


if __name__ == "__main__":
    main()
