"""The procedure without a window: runs the edit to its end and inserts the layer."""

from gi.repository import Gimp, GLib

from ._vendor.bridge_client import ClientError, EditWorker, MatchMeasured, WorkerEvent
from .layer_edit import LayerEdit
from .pump import Pump
from .settings import Settings


def run(edit: LayerEdit, settings: Settings, worker: EditWorker) -> Gimp.Layer:
    """Edit the layer and give the new one.

    Progress goes to GIMP's status bar, and how well the model can draw the picture. The Cancel
    there kills this process: the bridge notices that its client is gone, and nothing of ours is
    left behind.

    Raises:
        ClientError: The input makes no edit, or the bridge could not do it.
    """
    model = edit.model
    drawn = settings.drawn_pairs(edit.image)
    if drawn.remark:
        Gimp.message(drawn.remark)
    request = edit.request(drawn.pairs, settings)
    loop = GLib.MainLoop()

    def take(event: WorkerEvent) -> None:
        model.apply(event)
        if isinstance(event, MatchMeasured):
            Gimp.progress_set_text(event.match.sentence)
        Gimp.progress_update(model.progress)
        if not model.is_busy:
            loop.quit()

    Gimp.progress_init(f"Dragging {edit.layer_name}")
    worker.start(request)
    edit.begin(request)
    pump = Pump(worker, take)
    try:
        loop.run()
    finally:
        pump.close()
        Gimp.progress_end()
    if model.failure is not None:
        raise ClientError(model.failure.message, model.failure.hint)
    return edit.insert()
