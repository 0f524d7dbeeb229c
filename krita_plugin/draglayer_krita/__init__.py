"""Registers the docker with Krita, nothing else."""

import functools

from krita import DockWidgetFactory, DockWidgetFactoryBase, Krita

from ._vendor.bridge_client import EditModel, EditWorker, Launcher
from .canvas import active_canvas
from .docker import DOCKER_ID, DraglayerDocker
from .editor import LayerEditor
from .pump import Pump
from .qt import QTimer, own
from .settings import Settings


def register(application: Krita) -> None:
    """Gives Krita the docker; one editor and one worker serve the dockers of all windows."""
    worker = EditWorker(Launcher().connect)
    editor = LayerEditor(
        model=EditModel(),
        worker=worker,
        read_canvas=functools.partial(active_canvas, application, own),
        settings=Settings(application),
        later=functools.partial(QTimer.singleShot, 0),
    )
    docker = functools.partial(DraglayerDocker, Pump(editor, worker))
    application.addDockWidgetFactory(
        DockWidgetFactory(DOCKER_ID, DockWidgetFactoryBase.DockRight, docker)
    )


register(Krita.instance())
