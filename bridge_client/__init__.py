"""The client of the draglayer bridge: standard library only, vendored into both plug-ins."""

from .client import BridgeClient
from .controls import EditControls
from .edit import (
    ChangeRefused,
    DragProgress,
    EditRequest,
    EditState,
    Failed,
    HandlesChecked,
    HistoryChanged,
    InversionProgress,
    LayerResult,
    MatchMeasured,
    PairsTaken,
    PreviewReady,
    ResultReady,
    StateChanged,
    WorkerEvent,
)
from .editing import CHECK_HINT, PROFILE_NAMES, SEEN_HINT, SEEN_NAMES, EditModel
from .errors import (
    ClientError,
    InputProblem,
    JobFailed,
    LaunchFailed,
    ProtocolMismatch,
    RequestRejected,
    ServerUnreachable,
)
from .geometry import Bounds, Extent, Point, PointPair
from .launcher import Launcher
from .marks import PairMark
from .messages import (
    MAX_AMOUNT,
    PROTOCOL_VERSION,
    HandleHint,
    HistoryState,
    InversionProfile,
    Match,
    MatchLevel,
    ResultForm,
)
from .pixels import changed_runs, paste_pixels, swap_red_and_blue, with_changes
from .region import Seen, propose_window
from .result_form import LayerFacts, choose_result_form
from .worker import EditWorker

__version__ = "0.1.0"

__all__ = [
    "CHECK_HINT",
    "MAX_AMOUNT",
    "PROFILE_NAMES",
    "PROTOCOL_VERSION",
    "SEEN_HINT",
    "SEEN_NAMES",
    "Bounds",
    "BridgeClient",
    "ChangeRefused",
    "ClientError",
    "DragProgress",
    "EditControls",
    "EditModel",
    "EditRequest",
    "EditState",
    "EditWorker",
    "Extent",
    "Failed",
    "HandleHint",
    "HandlesChecked",
    "HistoryChanged",
    "HistoryState",
    "InputProblem",
    "InversionProfile",
    "InversionProgress",
    "JobFailed",
    "LaunchFailed",
    "Launcher",
    "LayerFacts",
    "LayerResult",
    "Match",
    "MatchLevel",
    "MatchMeasured",
    "PairMark",
    "PairsTaken",
    "Point",
    "PointPair",
    "PreviewReady",
    "ProtocolMismatch",
    "RequestRejected",
    "ResultForm",
    "ResultReady",
    "Seen",
    "ServerUnreachable",
    "StateChanged",
    "WorkerEvent",
    "changed_runs",
    "choose_result_form",
    "paste_pixels",
    "propose_window",
    "swap_red_and_blue",
    "with_changes",
]
