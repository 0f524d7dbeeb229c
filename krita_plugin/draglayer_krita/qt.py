"""Qt as Krita brings it: PyQt5, or PyQt6 in Krita 6, by asking Krita.

Trying one import after the other would load a second Qt into the program where both are installed,
and end it. Krita 6 was not run yet.
"""

import pykrita

# Krita 5.1 and 5.2 don't know the question.
QT_MAJOR_VERSION = getattr(pykrita, "qt_major_version", lambda: 5)()

if QT_MAJOR_VERSION == 6:
    from PyQt6 import sip
    from PyQt6.QtCore import QCoreApplication, QObject, QPointF, QSize, Qt, QTimer, pyqtSignal
    from PyQt6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPen, QPixmap
    from PyQt6.QtWidgets import (
        QComboBox,
        QFormLayout,
        QGridLayout,
        QHBoxLayout,
        QLabel,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QSlider,
        QSpinBox,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )
else:
    from PyQt5 import sip
    from PyQt5.QtCore import QCoreApplication, QObject, QPointF, QSize, Qt, QTimer, pyqtSignal
    from PyQt5.QtGui import QColor, QGuiApplication, QImage, QPainter, QPen, QPixmap
    from PyQt5.QtWidgets import (
        QComboBox,
        QFormLayout,
        QGridLayout,
        QHBoxLayout,
        QLabel,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QSlider,
        QSpinBox,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )

__all__ = [
    "QColor",
    "QComboBox",
    "QCoreApplication",
    "QFormLayout",
    "QGridLayout",
    "QGuiApplication",
    "QHBoxLayout",
    "QImage",
    "QLabel",
    "QObject",
    "QPainter",
    "QPen",
    "QPixmap",
    "QPointF",
    "QProgressBar",
    "QPushButton",
    "QScrollArea",
    "QSize",
    "QSizePolicy",
    "QSlider",
    "QSpinBox",
    "QTimer",
    "QToolButton",
    "QVBoxLayout",
    "QWidget",
    "Qt",
    "own",
    "pyqtSignal",
]


def own(elements: list) -> list:
    """Gives a list from Krita to Python's collector; Krita 5.1 and 5.2 would leak its elements."""
    for element in elements:
        sip.transferback(element)
    return elements
