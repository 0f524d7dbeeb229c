#!/usr/bin/env python3
"""draglayer for GIMP 3: registers the procedure and runs it.

The folder and this file must bear the same name, and this file must be executable: otherwise GIMP
leaves the plug-in out without a word.
"""

import sys
import traceback
from collections.abc import Sequence

import gi

gi.require_version("Gimp", "3.0")
# After the version is chosen, or PyGObject warns on every start.
from draglayer_gimp import batch, settings, status  # noqa: E402
from draglayer_gimp._vendor.bridge_client import (  # noqa: E402
    ClientError,
    EditWorker,
    Launcher,
)
from draglayer_gimp.layer_edit import LayerEdit  # noqa: E402
from gi.repository import Gimp, GObject  # noqa: E402

PROCEDURE = "plug-in-draglayer"
CLOSE_TIMEOUT_S = 2.0


class DragLayer(Gimp.PlugIn):
    """The plug-in as GIMP knows it."""

    def do_set_i18n(self, _procedure_name: str) -> bool:
        """No translations yet; GIMP looks for them, and complains, unless told so."""
        return False

    def do_query_procedures(self) -> list[str]:
        """The names of what we offer."""
        return [PROCEDURE]

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        """Describe the procedure."""
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("*")
        # Never greyed out: when something is missing, a sentence says what.
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.ALWAYS)
        procedure.set_menu_label("Drag La_yer...")
        procedure.add_menu_path("<Image>/Filters")
        procedure.set_documentation(
            "Drag points of a layer to where they should be",
            "Each stroke of a path says where a spot of the layer should go; the edit comes back "
            "as a new layer above. The selection says what may move.",
            name,
        )
        procedure.set_attribution("draglayer contributors", "draglayer contributors", "2026")
        settings.declare(procedure)
        return procedure


def run(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image | None,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _data: object,
) -> Gimp.ValueArray:
    """Run once: with a dialog when asked by a person, else straight to the new layer."""
    try:
        edit = LayerEdit(image, drawables)
        worker = EditWorker(Launcher().connect)
        try:
            if run_mode != Gimp.RunMode.INTERACTIVE:
                layer = batch.run(edit, settings.read(config), worker)
                return succeeded(procedure, layer)
            # Gtk needs a screen, which a script's run may not have.
            from draglayer_gimp.dialog import DragDialog

            dialog = DragDialog(edit, settings.read(config), worker)
            layer = dialog.run()
            settings.remember(dialog.settings, config)
            if layer is None:
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
            return succeeded(procedure, layer)
        finally:
            worker.close(CLOSE_TIMEOUT_S)
    except ClientError as problem:
        return status.failure(procedure, problem)
    except Exception:
        traceback.print_exc()
        return status.failure(
            procedure, ClientError("draglayer failed.", "Its console output says where.")
        )


def succeeded(procedure: Gimp.Procedure, layer: Gimp.Layer) -> Gimp.ValueArray:
    """The return values with the new layer."""
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    values.remove(1)
    values.insert(1, GObject.Value(Gimp.Layer, layer))
    return values


Gimp.main(DragLayer.__gtype__, sys.argv)
