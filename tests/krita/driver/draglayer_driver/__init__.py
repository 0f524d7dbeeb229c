"""Registers the test's artist with Krita."""

from krita import Krita

from .artist import ArtistExtension

Krita.instance().addExtension(ArtistExtension(Krita.instance()))
