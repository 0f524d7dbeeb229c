"""The GIMP side of draglayer: reads a layer, shows an edit, inserts its result."""

import gi

# Named once for all modules of the package; this alone loads nothing, so that a script without a
# screen can use all but the dialog.
for _namespace, _version in (
    ("Gimp", "3.0"),
    ("GimpUi", "3.0"),
    ("Gegl", "0.4"),
    ("Gtk", "3.0"),
    ("GdkPixbuf", "2.0"),
):
    gi.require_version(_namespace, _version)
