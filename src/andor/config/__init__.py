"""The configuration: one closed model, checked before any job starts.

Every key has a description and, where one makes sense, a default; the JSON schema, the table of keys in
``config/README.md`` and editor completion all come from here. Nothing heavy is imported: the Snakefile reads this
package at every start, on every node.
"""

from andor.config.analysis import Analysis, Nulls, Salience
from andor.config.check import check, load, load_raw
from andor.config.coalitions import SAMPLED_COLUMNS, Budget
from andor.config.config import ARRAYS_PER_MODEL, Config
from andor.config.masking import TOKENS, Learning, Masking
from andor.config.methods import Bound, Method, Solver
from andor.config.models import Model
from andor.config.parts import part, tag
from andor.config.rewards import Reward
from andor.config.samples import Samples, Target
from andor.config.sources import Source
from andor.config.studies import Study
from andor.config.tasks import Data, Players, Task
from andor.models.settings import Training
from andor.settings import MAX_PLAYERS, Closed
